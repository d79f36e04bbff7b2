"""Tries the sandbox from inside before anybody's code may run in it: one job that attempts what is forbidden."""

import json
import os
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hexasched.domain.limits import HEARTBEAT_S, Limits
from hexasched.domain.outcomes import Outcome, Reason, Status
from hexasched.errors import TryAgainError
from sandbox.client import Keeper
from sandbox.host import look_at_host
from sandbox.jobs import Finished, Job, Runtime, SandboxSettings

PROBE = Path(__file__).parent / "probe"
KEY = "trial"
DEADLINE_S = 60.0  # a machine that boots is slow
LIMITS = Limits(timeout_s=30, memory_mb=256)

TELLS_NOTHING = (Reason.INTERNAL, Reason.TIME, Reason.WORKER_GONE)
"""What a machine that is too slow just now brings about: nothing is known of the walls then."""


def weaknesses(keeper: Keeper, settings: SandboxSettings, runtime: Runtime) -> list[str]:
    """What code in the sandbox could do although it must not, each "read a file of the service"; takes about 0.1 s.

    One entry says why, if the trial's own code did not work. The keeper must have nothing else in hand.
    Raises TryAgainError if the trial came to no end that tells anything, KeeperGoneError.
    """
    secret = Path(settings.state_dir) / "planted"
    secret.write_text("a file of the service")
    secret.chmod(0o644)  # so that it is the sandbox that closes it
    with _listener() as port:
        outcome = _end_of(keeper, _job(settings, runtime, secret, port))
    secret.unlink()
    Path(settings.state_dir, "spool", f"{KEY}.log").unlink(missing_ok=True)
    if outcome is None:
        raise TryAgainError(f"The trial of the sandbox did not end within {DEADLINE_S:.0f} s: is the machine too busy?")
    said = outcome.error.message if outcome.error else "it ended without a result"
    if outcome.reason in TELLS_NOTHING:
        raise TryAgainError(f"The sandbox could not be tried: {said}")
    if outcome.status is not Status.SUCCEEDED:
        return [f"not even be tried ({said})"]
    found: list[str] = json.loads(outcome.result or "")
    return found


def _job(settings: SandboxSettings, runtime: Runtime, secret: Path, port: int) -> Job:
    event = {
        "secret": str(secret),
        "folder": settings.state_dir,
        "alone": settings.mode == "bubblewrap",
        "pids": [1, os.getpid(), os.getppid()],
        "uid": os.getuid(),
        "processes": str(LIMITS.processes),
        "closed": [] if settings.network == "host" else _closed(port),
    }
    return Job(
        key=KEY,
        mode="run",
        runtime=runtime,
        code_dir=str(PROBE),
        handler="probe.mjs",
        limits=LIMITS,
        workspace="trial",
        network="outbound" if settings.mode == "bubblewrap" else "none",
        event=event,
    )


def _closed(port: int) -> list[dict[str, str | int]]:
    targets = [("the loopback of this machine", "127.0.0.1", port)]
    targets += [("the metadata service of a cloud", "169.254.169.254", 80)]
    targets += [(f"this machine at {address}", address, port) for address in sorted(look_at_host().addresses)]
    return [{"name": name, "host": host, "port": at} for name, host, at in targets]


@contextmanager
def _listener() -> Iterator[int]:
    """A port at which this machine answers, on all its addresses."""
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    with socket.create_server(("", 0), family=family, dualstack_ipv6=both) as server:
        yield server.getsockname()[1]


def _end_of(keeper: Keeper, job: Job) -> Outcome | None:
    keeper.submit(job)
    give_up_at = time.monotonic() + DEADLINE_S
    with selectors.DefaultSelector() as waiting:
        waiting.register(keeper, selectors.EVENT_READ)
        while time.monotonic() < give_up_at:
            keeper.beat()  # its lease is shorter than the trial may take
            waiting.select(HEARTBEAT_S)
            for message in keeper.messages():
                if isinstance(message, Finished):
                    return message.outcome
    return None
