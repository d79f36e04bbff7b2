"""A build as its page shows it: every stage with its state, the error of the one that failed, the log."""

from dataclasses import dataclass
from typing import Any

from hexasched.domain.outcomes import ErrorDetail
from hexasched.store import logs
from hexasched.store.build_rows import Build
from hexasched.store.builds import STAGES
from hexasched.store.database import Connection
from web.log_lines import Line, LineMaker
from web.runs import Pointed, pointed

LABELS = {
    "syntax": "Check syntax",
    "install": "Install packages",
    "load": "Load module",
    "activate": "Activate",
}
LOG_BYTES = 256 * 1024
LOG_CHUNKS = 2000


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage: `state` is ok, failed, running, waiting, skipped or unreached."""

    name: str
    label: str
    state: str
    duration_ms: int | None = None
    error: ErrorDetail | None = None
    source: Pointed | None = None
    note: str = ""


def stages(build: Build, packages: dict[str, str]) -> list[Stage]:
    """All stages in order, those that are still to come included."""
    done = {stage["name"]: stage for stage in build.stages}
    return [_stage(build, name, done, packages) for name in STAGES]


def _stage(build: Build, name: str, done: dict[str, Any], packages: dict[str, str]) -> Stage:
    if name in done:
        entry = done[name]
        error = ErrorDetail(**entry["error"]) if entry.get("error") else None
        return Stage(
            name=name,
            label=LABELS[name],
            state=entry["state"],
            duration_ms=entry["duration_ms"] if name != "activate" else None,
            error=error,
            source=pointed(error) if error else None,
        )
    state = _state(build, name, done)
    note = _why_skipped(packages) if state == "skipped" else ""
    return Stage(name=name, label=LABELS[name], state=state, note=note)


def _state(build: Build, name: str, done: dict[str, Any]) -> str:
    if any(STAGES.index(later) > STAGES.index(name) for later in done):
        return "skipped"
    if build.finished_at is not None:
        return "unreached"
    if STAGES.index(build.stage) > STAGES.index(name):
        return "skipped"
    return "running" if build.status == "running" and build.stage == name else "waiting"


def _why_skipped(packages: dict[str, str]) -> str:
    return "the same packages as before" if packages else "no packages"


def failed_stage(found: list[Stage]) -> Stage | None:
    """The stage that failed."""
    return next((stage for stage in found if stage.state == "failed"), None)


def log_lines(connection: Connection, build_id: int) -> list[Line]:
    """What the build printed, of much output the end. The caller has checked the workspace."""
    maker = LineMaker()
    chunks = logs.newest(connection, "build", build_id, LOG_BYTES, count=LOG_CHUNKS)
    complete = [line for line in maker.feed(chunks) if not line.open]
    return complete + maker.close()
