"""Composes the command of one job: bubblewrap with everything that the process may see, or plain Node.js.

Bubblewrap has no policy of its own: the arguments below are the wall. They travel through a descriptor, because every
user of the machine can read the arguments of a command. Environment and event of the job are in neither: they
come through the control pipe.
"""

import os
import shutil
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hexasched.domain.limits import MIB
from sandbox import install, limits, seccomp
from sandbox.cgroups import Group
from sandbox.compiled import NODE_FOLDER, compiled_modules
from sandbox.confine import Confinement
from sandbox.jobs import Job, SandboxSettings

BOOTSTRAP = "bootstrap.cjs"
SHARED_MEMORY_MB = 16

RESULT_FD, CONTROL_FD = 3, 4
ARGS_FD, INFO_FD, BLOCK_FD, SECCOMP_FD, NPMRC_FD, COMPILED_FD = 5, 6, 7, 8, 9, 10

INSIDE_NODE, INSIDE_NPM, INSIDE_OURS, INSIDE_CODE = "/opt/node/bin/node", "/opt/npm", "/opt/hexasched", "/code"
INSIDE_NPMRC, INSIDE_CA = "/opt/npmrc", "/opt/ca.pem"


@dataclass(frozen=True, kw_only=True)
class Launch:
    """A command that is ready to start.

    `files` are contents that it reads from its descriptors, by number. A command that is `held` tells the pid of its
    first process on INFO_FD and goes on when a byte comes on BLOCK_FD. One with a `confinement` is confined before it
    starts; one with a `group` is put into it while it is held.
    """

    argv: list[str]
    held: bool
    environ: dict[str, str] = field(default_factory=dict)
    cwd: str = "/"
    files: dict[int, bytes] = field(default_factory=dict)
    confinement: Confinement | None = None
    group: Group | None = None


def in_bubblewrap(job: Job, settings: SandboxSettings, etc: Path, namespace_pid: int | None) -> Launch:
    """The job in namespaces of its own; its network is that of process `namespace_pid`, or none.

    `etc` is the folder that becomes /etc. Raises ValueError if a folder of the job is not a plain folder.
    """
    arguments = [
        *_namespaces(own_network=namespace_pid is None and not _on_host(job, settings)),
        *_environment(job, settings),
        *_system(etc),
        *_program(job),
        *(_installer(job, settings) if job.mode == "install" else []),
        *_code(job),
        *_scratch(job),
        *("--chdir", INSIDE_CODE, "--remount-ro", "/"),
        *("--seccomp", str(SECCOMP_FD), "--info-fd", str(INFO_FD), "--block-fd", str(BLOCK_FD)),
    ]
    files = {
        ARGS_FD: b"".join(os.fsencode(argument) + b"\0" for argument in arguments),
        SECCOMP_FD: seccomp.load_filter(children=job.limits.child_processes),
    }
    if job.mode == "install":
        files[NPMRC_FD] = install.npmrc(settings, INSIDE_CA)
    argv = [find_program("bwrap"), "--args", str(ARGS_FD), "--", INSIDE_NODE, *node_arguments(job)]
    if job.mode == "install":
        argv += [f"{INSIDE_NPM}/bin/npm-cli.js", *install.arguments(job, INSIDE_NPMRC)]
    else:
        program, handed = runner(job, INSIDE_OURS)
        argv += program
        files |= handed
    return Launch(argv=[*_enter(namespace_pid), *argv], held=True, files=files)


def without_sandbox(job: Job, settings: SandboxSettings, folder: Path) -> Launch:
    """The job as a plain child process of this user, in `folder`, which is made and which the caller removes."""
    scratch = folder / "tmp"
    scratch.mkdir(parents=True)
    environ = {"PATH": os.defpath, "HOME": str(scratch), "TMPDIR": str(scratch), "TZ": "UTC", "LANG": "C.UTF-8"}
    # Otherwise the process would outlive a killed keeper.
    argv = [find_program("setpriv"), "--pdeathsig", "KILL", "--", job.runtime.node, *node_arguments(job)]
    if job.mode == "install":
        npmrc = folder / "npmrc"
        npmrc.write_bytes(install.npmrc(settings, settings.ca_file))
        environ |= install.environment(settings.ca_file)
        argv += [npm_cli(job), *install.arguments(job, str(npmrc))]
        return Launch(argv=argv, held=False, environ=environ, cwd=job.code_dir)
    code = folder / "code"
    shutil.copytree(job.code_dir, code, symlinks=True)
    if job.modules_dir is not None:
        (code / "node_modules").symlink_to(job.modules_dir)
    program, handed = runner(job, str(NODE_FOLDER))
    return Launch(argv=[*argv, *program], held=False, environ=environ, cwd=str(code), files=handed)


def runner(job: Job, folder: str) -> tuple[list[str], dict[int, bytes]]:
    """The program that Node.js is to run, in `folder` as the process sees it, and what it reads from descriptors."""
    compiled = compiled_modules(job.runtime.node)
    program = f"{folder}/{BOOTSTRAP}"
    return ([program, str(COMPILED_FD)], {COMPILED_FD: compiled}) if compiled else ([program], {})


def find_program(name: str) -> str:
    """The absolute path of a program; raises FileNotFoundError naming it."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if path is None:
        raise FileNotFoundError(f"The program {name} is not installed.")
    return path


def _on_host(job: Job, settings: SandboxSettings) -> bool:
    return settings.network == "host" and job.network == "outbound" and job.mode != "analyse"


def _enter(namespace_pid: int | None) -> list[str]:
    if namespace_pid is None:
        return []
    # With --preserve-credentials the process stays who it is: the owner of the namespace, which our uid made.
    return [find_program("nsenter"), "-t", str(namespace_pid), "-U", "-n", "--preserve-credentials", "--"]


def _namespaces(*, own_network: bool) -> list[str]:
    unshared = ["--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    if own_network:
        unshared.append("--unshare-net")
    return [
        *unshared,
        *("--unshare-cgroup-try", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox"),
        *("--new-session", "--die-with-parent", "--cap-drop", "ALL"),
    ]


def _environment(job: Job, settings: SandboxSettings) -> list[str]:
    variables = {"PATH": "/opt/node/bin", "HOME": "/tmp", "TMPDIR": "/tmp", "TZ": "UTC", "LANG": "C.UTF-8"}  # noqa: S108
    if job.mode == "install":
        variables |= install.environment(INSIDE_CA if settings.ca_file else None)
    return ["--clearenv", *(part for name, value in variables.items() for part in ("--setenv", name, value))]


def _system(etc: Path) -> list[str]:
    return [
        *_libraries(),
        *("--ro-bind", str(etc), "/etc"),
        *("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"),
        *("--perms", "1777", "--size", str(SHARED_MEMORY_MB * MIB), "--tmpfs", "/dev/shm"),  # noqa: S108
    ]


def _libraries() -> Iterator[str]:
    """The folders with the C library, and the links that lead to them."""
    triplet = sysconfig.get_config_var("MULTIARCH")
    shared = Path(f"/usr/lib/{triplet}")
    for folder in (shared if triplet and shared.is_dir() else Path("/usr/lib"), Path("/usr/lib64")):
        if folder.is_dir() and not folder.is_symlink():
            yield from ("--ro-bind", str(folder), str(folder))
    for link in (Path("/lib"), Path("/lib64"), Path("/usr/lib64")):
        if link.is_symlink():
            yield from ("--symlink", str(link.readlink()), str(link))
        elif link.is_dir() and link != Path("/usr/lib64"):
            yield from ("--ro-bind", str(link), str(link))


def _program(job: Job) -> list[str]:
    return ["--ro-bind", job.runtime.node, INSIDE_NODE, "--ro-bind", str(NODE_FOLDER), INSIDE_OURS]


def _installer(job: Job, settings: SandboxSettings) -> list[str]:
    npm = str(Path(npm_cli(job)).parent.parent)
    trust = ["--ro-bind", settings.ca_file, INSIDE_CA] if settings.ca_file else []
    return ["--ro-bind", npm, INSIDE_NPM, "--ro-bind-data", str(NPMRC_FD), INSIDE_NPMRC, *trust]


def npm_cli(job: Job) -> str:
    """The path of npm's program; raises ValueError if the runtime has none."""
    if job.runtime.npm_cli is None:
        raise ValueError(f"{job.runtime.label} has no npm beside it.")
    return job.runtime.npm_cli


def _code(job: Job) -> Iterator[str]:
    code = _plain_folder(job.code_dir)
    if job.mode == "install":
        yield from ("--bind", str(code), INSIDE_CODE)
    elif job.modules_dir is None:
        yield from ("--ro-bind", str(code), INSIDE_CODE)
    else:
        # Entry by entry, because node_modules has no mount point in a folder that is read-only.
        for entry in code.iterdir():
            if not entry.is_symlink() and entry.name != "node_modules":
                yield from ("--ro-bind", str(entry), f"{INSIDE_CODE}/{entry.name}")
        yield from ("--ro-bind", str(_plain_folder(job.modules_dir)), f"{INSIDE_CODE}/node_modules")


def _plain_folder(path: str) -> Path:
    # npm writes beside these folders: a link that it was made to plant must not bring the machine's files in.
    folder = Path(path)
    if folder.is_symlink() or not folder.is_dir():
        raise ValueError(f"{path} is not a plain folder.")
    return folder


def _scratch(job: Job) -> list[str]:
    return ["--perms", "1777", "--size", str(limits.scratch_bytes(job)), "--tmpfs", "/tmp"]  # noqa: S108


def node_arguments(job: Job) -> list[str]:
    """The flags of Node.js."""
    return limits.node_flags(job.limits, job.runtime.major)
