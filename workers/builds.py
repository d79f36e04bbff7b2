"""One build as a walk through its stages: syntax, install, load, activate. Each but the last is a sandboxed job."""

import json
import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hexasched.domain.limits import MIB, Limits
from hexasched.domain.outcomes import ErrorDetail, Outcome
from hexasched.store.work import BuildWork
from sandbox.jobs import Job, Mode, Runtime
from workers.files import pack_modules, read_lockfile, write_program
from workers.running import network_of

INSTALL_LIMITS = Limits(timeout_s=300, memory_mb=1024, processes=256, open_files=1024, scratch_mb=512, cpus=4)
MAX_MODULES_BYTES = 300 * MIB
ANALYSE_LIMITS = Limits(timeout_s=30, memory_mb=256)


@dataclass(kw_only=True)
class BuildState:
    """How far a build is. `modules` is the folder that has its node_modules, None before the install."""

    work: BuildWork
    runtime: Runtime
    folder: Path
    stage: str = "syntax"
    stages: list[dict[str, Any]] = field(default_factory=list)
    analysis: dict[str, Any] | None = None
    lockfile: str | None = None
    artifact_id: str | None = None
    stage_began: float = field(default_factory=time.monotonic)

    @property
    def key(self) -> str:
        """The job's name; each stage has a spool of its own."""
        return f"build-{self.work.claim.build_id}-{self.work.claim.fence}-{self.stage}"

    @property
    def needs_install(self) -> bool:
        """Whether npm has to be asked: packages are wanted, and no earlier version has the same."""
        return bool(self.work.program.dependencies) and self.work.reusable is None


def job_for(state: BuildState, modules: Path | None) -> Job:
    """The sandboxed job of the current stage (syntax, install or load)."""
    modes: dict[str, Mode] = {"syntax": "analyse", "install": "install", "load": "load"}
    work, mode = state.work, modes[state.stage]
    limits = {"analyse": ANALYSE_LIMITS, "install": INSTALL_LIMITS}.get(mode, work.program.limits)
    return Job(
        key=state.key,
        mode=mode,
        runtime=state.runtime,
        code_dir=str(state.folder),
        handler=work.program.handler_file,
        limits=limits,
        workspace=str(work.workspace_id),
        network="none" if mode == "analyse" else network_of(limits),
        modules_dir=str(modules) if modules and mode == "load" else None,
        env=work.env if mode == "load" else {},
        secrets=work.secret_names if mode == "load" else (),
    )


def begin(state: BuildState) -> None:
    """Put the source where the first stage finds it."""
    write_program(state.folder, state.work.program, None)


def take(state: BuildState, outcome: Outcome) -> ErrorDetail | None:
    """Note what a stage brought. Returns what is wrong with it, None if it went well."""
    error = None if outcome.ok else outcome.error or _unexplained(state, outcome)
    if state.stage == "syntax" and outcome.ok:
        state.analysis = json.loads(outcome.result or "{}")
        error = _first_syntax_error(state.analysis or {})
    if state.stage == "install" and outcome.ok:
        state.lockfile = read_lockfile(state.folder)
        error = _too_large(state.folder / "node_modules")
    note(state, error)
    return error


def note(state: BuildState, error: ErrorDetail | None) -> None:
    """Write down how the current stage ended."""
    took = int((time.monotonic() - state.stage_began) * 1000)
    state.stages.append(
        {
            "name": state.stage,
            "state": "failed" if error else "ok",
            "duration_ms": took,
            "error": asdict(error) if error else None,
        }
    )
    state.stage_began = time.monotonic()


def prepare_load(state: BuildState) -> None:
    """Write the program again, now that it is known how its files are to be read."""
    kind = (state.analysis or {}).get("module")
    packed = state.folder / "node_modules"
    kept = state.folder.with_name(state.folder.name + "-modules")
    if packed.exists() and not kept.exists():
        kept.mkdir()
        packed.rename(kept / "node_modules")
    shutil.rmtree(state.folder)
    write_program(state.folder, state.work.program, kind)
    (state.folder / "node_modules").mkdir()


def installed(state: BuildState) -> Path:
    """The folder that holds the freshly installed node_modules."""
    return state.folder.with_name(state.folder.name + "-modules")


def pack(state: BuildState) -> tuple[str, Any]:
    """The installed packages as an artifact: its id and its bytes, as a file."""
    return pack_modules(installed(state))


def clean(state: BuildState) -> None:
    """Remove what the build left on the disk."""
    shutil.rmtree(state.folder, ignore_errors=True)
    shutil.rmtree(installed(state), ignore_errors=True)


def _first_syntax_error(analysis: dict[str, Any]) -> ErrorDetail | None:
    errors = analysis.get("errors", [])
    if not errors:
        return None
    known = {name: errors[0].get(name) for name in ("file", "line", "column", "source_line", "hint")}
    return ErrorDetail(type="SyntaxError", message=str(errors[0].get("message", "")), **known)


def _too_large(modules: Path) -> ErrorDetail | None:
    """More would fill the database."""
    size = sum(path.lstat().st_size for path in modules.rglob("*") if not path.is_dir())
    if size <= MAX_MODULES_BYTES:
        return None
    most = MAX_MODULES_BYTES // MIB
    return ErrorDetail(
        type="BuildError",
        message=f"The packages take {size // MIB:,} MB; at most {most} MB are possible. Use fewer or smaller ones.",
    )


_UNEXPLAINED = {
    "install": "npm could not install the packages; its output is in the log.",
    "load": "The module could not be loaded.",
    "syntax": "The source could not be read.",
}


def _unexplained(state: BuildState, outcome: Outcome) -> ErrorDetail:
    message = _UNEXPLAINED[state.stage]
    if outcome.status == "timed_out":
        message = f"Stopped after {outcome.duration_ms // 1000} s. " + message
    return ErrorDetail(type="BuildError", message=message)
