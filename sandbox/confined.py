"""Composes the command of one job that runs as a user of its own behind Landlock, without namespaces."""

import os
import shutil
from pathlib import Path

from sandbox import install, limits, seccomp, slots
from sandbox.compiled import NODE_FOLDER
from sandbox.confine import Confinement
from sandbox.jobs import Job, SandboxSettings
from sandbox.launch import Launch, node_arguments, npm_cli, runner

# Node.js asks these about itself and the machine; of other processes it learns nothing.
SYSTEM = (
    *("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat"),
    *("/proc/uptime", "/proc/loadavg", "/proc/version", "/dev/urandom", "/dev/random", "/dev/zero"),
    *("/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/ld.so.cache"),
    *("/etc/ssl/openssl.cnf", "/etc/ssl/certs"),
)
DEVICES = ("/dev/null", "/dev/full")


def in_slot(job: Job, settings: SandboxSettings, folder: Path, uid: int) -> Launch:
    """The job as the user `uid`, in `folder`, which is made and which the caller clears and removes.

    Raises ValueError if a folder of the job is not a plain folder.
    """
    _make(folder / "tmp", 0o770)
    code = Path(job.code_dir) if job.mode == "install" else folder / "code"
    environ = {"PATH": "/nonexistent", "TZ": "UTC", "LANG": "C.UTF-8"}
    environ |= {"HOME": str(folder / "tmp"), "TMPDIR": str(folder / "tmp")}
    argv = [job.runtime.node, *node_arguments(job)]
    readable = [job.runtime.node, str(NODE_FOLDER), *SYSTEM]
    writable = [str(folder / "tmp"), *DEVICES]
    handed: dict[int, bytes] = {}
    if job.mode == "install":
        more, files = _npm(job, settings, folder)
        argv += more
        environ |= install.environment(str(folder / "ca.pem") if settings.ca_file else None)
        readable += [*files, str(Path(npm_cli(job)).parent.parent)]
        writable.append(str(code))
    else:
        program, handed = runner(job, str(NODE_FOLDER))
        argv += program
        readable += [str(code), *_copy_code(job, code)]
    confinement = Confinement(
        uid=uid,
        gid=slots.GID,
        umask=0o022 if job.mode == "install" else 0o077,
        limits=limits.kernel_limits(job, limits.base_data_bytes(job.runtime.node), own_user=True),
        readable=tuple(readable),
        writable=tuple(writable),
        filters=_filters(job),
    )
    return Launch(argv=argv, held=False, environ=environ, cwd=str(code), files=handed, confinement=confinement)


def _filters(job: Job) -> tuple[bytes, ...]:
    online = job.network == "outbound" and job.mode != "analyse"
    # The kernel asks all of them, and the strictest answer counts.
    more = ("slot",) if online else ("slot", "offline")
    return (seccomp.load_filter(children=job.limits.child_processes), *map(seccomp.load_additional, more))


def _make(folder: Path, mode: int) -> None:
    folder.mkdir(parents=True)
    for one in (folder.parent, folder):
        os.chown(one, -1, slots.GID)
    folder.parent.chmod(0o710)
    folder.chmod(mode)


def _copy_code(job: Job, code: Path) -> list[str]:
    """Copy the source, because node_modules has no place beside it where it is; the folders to read besides."""
    shutil.copytree(_plain(job.code_dir), code, symlinks=True, ignore=shutil.ignore_patterns("node_modules"))
    for path in [code, *code.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    if job.modules_dir is None:
        return []
    modules = _plain(job.modules_dir)
    slots.open_way(modules)
    slots.open_folders(modules)
    (code / "node_modules").symlink_to(modules)
    return [str(modules)]


def _plain(path: str) -> Path:
    folder = Path(path)
    if folder.is_symlink() or not folder.is_dir():
        raise ValueError(f"{path} is not a plain folder.")
    return folder.resolve()


def _npm(job: Job, settings: SandboxSettings, folder: Path) -> tuple[list[str], list[str]]:
    """The arguments that make Node.js npm, and the files that it reads; its folder is opened to it."""
    code = _plain(job.code_dir)
    slots.open_way(code)
    os.chown(code, -1, slots.GID)
    code.chmod(0o770)
    for entry in code.iterdir():
        os.chown(entry, -1, slots.GID)
        entry.chmod(0o660)
    trust = settings.ca_file and _hand_over(folder / "ca.pem", Path(settings.ca_file).read_bytes())
    npmrc = _hand_over(folder / "npmrc", install.npmrc(settings, trust))
    return [npm_cli(job), *install.arguments(job, npmrc)], [npmrc, *([trust] if trust else [])]


def _hand_over(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    os.chown(path, -1, slots.GID)
    path.chmod(0o640)
    return str(path)
