"""What a worker asks of its keeper and what it hears back: plain data that crosses one socket as JSON."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Literal

from hexasched.domain.kept import Request
from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import Outcome

Mode = Literal["run", "load", "preload", "analyse", "install"]
"""run: call the handler. load: import the module and find the handler. preload: the same, and then wait for a run.
analyse: read the source for mistakes, imports and variables. install: npm in a writable folder with network."""

Network = Literal["none", "outbound"]

Walls = Literal["bubblewrap", "landlock", "none"]
"""bubblewrap: namespaces of its own. landlock: a user of its own. none: "runs as you", only by an explicit setting."""


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """One Node.js that functions can use."""

    name: str  # "node24", "node18"
    label: str  # "Node.js 24"
    node: str  # absolute path of the binary
    version: str  # "24.19.0"
    npm_cli: str | None  # absolute path of npm-cli.js beside that binary
    end_of_life: bool = False
    typescript: bool = True

    @property
    def major(self) -> int:
        """24 of "24.19.0"."""
        return int(self.version.split(".")[0])


@dataclass(frozen=True, kw_only=True)
class SandboxSettings:
    """The instance's settings of the sandbox, given to the keeper once at its start."""

    mode: Walls
    state_dir: str  # a 0700 folder of the keeper's own: spool files, scratch
    cgroup: str | None = None  # a group in which each run gets one of its own
    network: Literal["pasta", "host"] = "pasta"  # host: outbound is the machine's own network, all of it
    loopback_ports: tuple[int, ...] = ()
    block_private: bool = False
    lease_s: float = 30.0  # no beat for so long: everything is killed
    npm_config: dict[str, str] = field(default_factory=dict)  # registry, cafile, proxy, https-proxy, noproxy
    ca_file: str | None = None  # certificate bundle that installs trust (NODE_EXTRA_CA_CERTS)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One piece of work for one sandboxed process.

    `code_dir` is a host folder, mounted at /code (read-only, writable only for install); `modules_dir`, if
    given, is mounted read-only at /code/node_modules. `handler` is the source file's name. `event` and
    `context` become the handler's arguments (reference: event and context of the handler contract).
    `optional_env` are variables that the code reads with a fallback. `environment` stands for all of env without
    telling it: only jobs with the same share a process.
    """

    key: str  # "run-12-1": unique among live jobs, and the name of its spool file
    mode: Mode
    runtime: Runtime
    code_dir: str
    handler: str
    limits: Limits
    workspace: str  # jobs of one workspace share a network namespace
    network: Network = "outbound"
    modules_dir: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()  # names in env whose values are masked
    optional_env: tuple[str, ...] = ()
    environment: str = ""
    event: Any = None
    context: dict[str, Any] = field(default_factory=dict)

    @property
    def goes_on(self) -> bool:
        """Whether its process may do another job after it."""
        return self.mode == "preload" or (self.mode == "run" and self.limits.reuse)


def likeness(job: Job) -> Hashable:
    """What two jobs must share so that one process can do either (or both): what is decided before it is told one."""
    return (
        *(job.mode, job.runtime.node, job.code_dir, job.modules_dir),
        *(job.limits, job.workspace, job.network, job.environment),
    )


@dataclass(frozen=True, kw_only=True)
class Started:
    """The sandbox is up and the code is about to be loaded."""

    key: str
    pid: int


@dataclass(frozen=True, kw_only=True)
class Output:
    """The job's spool file has grown to `size` bytes."""

    key: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The whole process tree is dead and the spool file is complete at `size` bytes.

    `outcome.result` of an analyse job is the analyser's JSON.
    """

    key: str
    size: int
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The job's code asks something of the service."""

    key: str
    request: Request


@dataclass(frozen=True, kw_only=True)
class NotPreloaded:
    """No process could be preloaded for the template with that key, and none is tried until another is asked for."""

    key: str
    why: str


Message = Started | Output | Asked | Finished | NotPreloaded
