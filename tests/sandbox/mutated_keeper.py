"""A keeper whose sandboxes lack what the name of the job's workspace says: "lacks A + B". Started like the real one."""

import ipaddress
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

from hexasched.domain.outcomes import Outcome
from sandbox import keeper, launch, limits, network
from sandbox.holdings import NEVER
from sandbox.host import Host
from sandbox.jobs import Job, SandboxSettings
from sandbox.namespaces import Entry, Namespaces
from sandbox.run import Run
from sandbox.stopped import Cause
from tests.sandbox.mutants import build_filter, flag_names, flags_of

QUICK_END = "a quick end"
"""Without it the keeper is held up for 1.5 s when the run ends, as by a slow disk."""
PREFIX, AND = "lacks ", " + "
SERVICE = {"HEXASCHED_DATABASE_URL": "postgresql://hexasched:PLANTED-0123456789abcdef@db/hexasched"}
OPEN = {"-t": "4440-4442", "-T": "auto", "-U": "53"}
"""Options of pasta that let through what must not pass."""
entering: frozenset[str] = frozenset()  # what the network lacks that is being made


def workspace(*mutants: str) -> str:
    """The name of a workspace whose jobs lack these."""
    return PREFIX + AND.join(mutants)


def lacks(name: str) -> frozenset[str]:
    """What jobs of this workspace lack."""
    return frozenset(name.removeprefix(PREFIX).split(AND)) if name.startswith(PREFIX) else frozenset()


def mutate(composed: launch.Launch, missing: frozenset[str], *, children: bool) -> launch.Launch:
    """The command without what is missing."""
    files, argv = dict(composed.files), composed.argv
    files[launch.ARGS_FD] = _arguments(files[launch.ARGS_FD], missing)
    if rules := frozenset(one for one in missing if one.startswith("rule ")):
        files[launch.SECCOMP_FD] = build_filter(rules, children=children)[0]
    if "closed descriptors" in missing:
        argv = ["/bin/sh", "-c", 'exec 9</; exec "$@"', "sh", *argv]
    environ = SERVICE if "an empty environment" in missing else composed.environ
    return replace(composed, files=files, argv=argv, environ=environ)


def _arguments(arguments: bytes, missing: frozenset[str]) -> bytes:
    flags = flags_of(arguments)
    for flag, name in zip(flags, flag_names(flags), strict=True):
        if name in missing:
            flag.clear()
        elif flag[0] == "--ro-bind" and f"read-only {flag[-1]}" in missing:
            flag[0] = "--bind"
    return b"".join(part.encode() + b"\0" for flag in flags for part in flag)


def mutate_launches() -> None:
    """Have jobs started without what they lack."""
    compose, kernel_limits = launch.in_bubblewrap, limits.kernel_limits

    def compose_less(job: Job, settings: SandboxSettings, etc: Path, namespace_pid: int | None) -> launch.Launch:
        composed = compose(job, settings, etc, namespace_pid)
        return mutate(composed, lacks(job.workspace), children=job.limits.child_processes)

    def limit_less(job: Job, base: int, *, own_user: bool) -> dict[int, int]:
        found = kernel_limits(job, base, own_user=own_user)
        return {which: value for which, value in found.items() if f"limit {which}" not in lacks(job.workspace)}

    launch.in_bubblewrap, limits.kernel_limits = compose_less, limit_less


def mutate_watches() -> None:
    """Have jobs watched less."""
    stop, tick, finish = Run.stop, Run.tick, Run._finish

    def stop_less(run: Run, cause: Cause) -> None:
        if f"watch {cause}" not in lacks(run.job.workspace):
            stop(run, cause)
        elif cause == "time":
            run._stop_at = NEVER

    def tick_less(run: Run, now: float) -> None:
        if "watch kill" in lacks(run.job.workspace):
            run._kill_at = NEVER
        tick(run, now)

    def finish_late(run: Run, outcome: Outcome) -> None:
        if QUICK_END in lacks(run.job.workspace):
            Event().wait(1.5)
        finish(run, outcome)

    Run._finish = finish_late  # type: ignore[assignment, method-assign]
    Run.stop, Run.tick = stop_less, tick_less  # type: ignore[assignment, method-assign]


def mutate_networks() -> None:
    """Have workspaces' networks made with less closed."""
    enter, routes, pasta_command = Namespaces.enter, network.routes, network.pasta_command

    def enter_less(known: Namespaces, workspace: str, key: str, then: Callable[[Entry], None]) -> None:
        global entering  # noqa: PLW0603 - the network is made while this is called
        entering = lacks(workspace)
        enter(known, workspace, key, then)

    def route_less(host: Host, *, block_private: bool) -> str:
        rows = routes(host, block_private=block_private).splitlines(keepends=True)
        return "".join(row for row in rows if f"route {ipaddress.ip_network(row.split()[-1])}" not in entering)

    def command_less(pasta: str, host: Host, settings: SandboxSettings) -> list[str]:
        command = pasta_command(pasta, host, settings)
        for option, value in OPEN.items():
            if f"pasta {option}" in entering:
                command[command.index(option) + 1] = value
        return [part for part in command if f"pasta {part}" not in entering or part in OPEN]

    Namespaces.enter = enter_less  # type: ignore[assignment, method-assign]
    network.routes, network.pasta_command = route_less, command_less


if __name__ == "__main__":
    mutate_launches()
    mutate_watches()
    mutate_networks()
    keeper.main()
