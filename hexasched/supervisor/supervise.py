"""The loop of `hexasched serve`: starts the children, replaces those that die, and drains them in order at the end."""

import select
import signal
import time
from collections.abc import Callable, Iterable, Sequence

from hexasched import logs
from hexasched.errors import HexaSchedError
from hexasched.supervisor import orphans
from hexasched.supervisor.children import Child, Seat, describe_end, forget_pipe, hear, start
from hexasched.supervisor.forking import share_memory
from hexasched.supervisor.patience import Patience, after_death
from hexasched.supervisor.ready import sd_notify
from hexasched.supervisor.signals import STOP, drained, signal_pipe


def supervise(
    children: Sequence[Child],
    *,
    on_ready: Callable[[], None],
    notify_socket: str = "",
    patience: Patience | None = None,
) -> None:
    """Keep `children` running until SIGTERM or SIGINT, then stop them; nothing of theirs is left afterwards.

    `on_ready` is called once, when all have said that they are ready. A second signal stops them at once.
    `notify_socket` is systemd's, or "". Raises HexaSchedError when a child can't be kept running.
    """
    orphans.adopt_from_now_on()
    share_memory()
    with signal_pipe() as pipe:
        supervision = _Supervision(children, pipe, patience or Patience())
        try:
            supervision.serve(on_ready, notify_socket)
        finally:
            sd_notify(notify_socket, "STOPPING=1")
            supervision.drain()
    if supervision.trouble:
        raise HexaSchedError(supervision.trouble)


class _Supervision:
    """The state of the loop; one per process."""

    def __init__(self, children: Sequence[Child], pipe: int, patience: Patience) -> None:
        self.seats = [Seat(child) for child in children]
        self.pipe = pipe
        self.patience = patience
        self.orphans: dict[int, float] = {}
        self.told_to_stop: float | None = None
        self.hurry = False
        self.trouble: str | None = None
        self.draining = False

    def serve(self, on_ready: Callable[[], None], notify_socket: str) -> None:
        """Until there is a reason to stop."""
        announced = False
        for seat in self.seats:
            self._start(seat)
        while self.told_to_stop is None and self.trouble is None:
            self._wait(self._next_moment())
            self._look_after()
            self._start_due()
            if not announced and all(seat.ready for seat in self.seats):
                announced = True
                sd_notify(notify_socket, "READY=1")
                on_ready()

    def drain(self) -> None:
        """Stop rank after rank, then see to it that nothing is left."""
        self.draining = True
        for rank in sorted({seat.child.stop_rank for seat in self.seats}):
            self._stop([seat for seat in self.seats if seat.child.stop_rank == rank])
        grace_s = 0.0 if self.hurry else self.patience.orphan
        self._wait_while(lambda: bool(orphans.living(())), grace_s)
        for orphan in orphans.living(()):
            orphans.kill(orphan)
        self._wait_while(lambda: bool(orphans.living(())), self.patience.killed)

    def _start(self, seat: Seat) -> None:
        try:
            process = start(seat, time.monotonic())
        except OSError as error:
            self._not_started(seat, error)
        else:
            logs.event("supervisor.started", child=seat.child.name, pid=process.pid)

    def _not_started(self, seat: Seat, error: OSError) -> None:
        """No room for another process: at the beginning somebody is there to see it, later nobody may be for long."""
        if not seat.ever_ready:
            self.trouble = f"{seat.child.name} can't be started: {error}"
            return
        logs.warning("supervisor.not_started", child=seat.child.name, error=error)
        seat.restart_at = time.monotonic() + self.patience.no_room

    def _start_due(self) -> None:
        for seat in self.seats:
            if seat.restart_at is not None and seat.restart_at <= time.monotonic():
                self._start(seat)

    def _next_moment(self) -> float:
        now = time.monotonic()
        restarts = [seat.restart_at for seat in self.seats if seat.restart_at is not None]
        starting = [seat.started + self.patience.start for seat in self.seats if not seat.ready]
        return min(moment for moment in [now + self.patience.orphan, *restarts, *starting] if moment > now)

    def _wait(self, until: float) -> None:
        """Until something happens or the monotonic clock shows `until`."""
        pipes = {seat.ready_fd: seat for seat in self.seats if seat.ready_fd is not None}
        timeout_s = max(0.0, until - time.monotonic())
        for fd in select.select([self.pipe, *pipes], [], [], timeout_s)[0]:
            if fd in pipes:
                hear(pipes[fd])
            elif drained(fd) & STOP:
                self._hear_stop(time.monotonic())

    def _wait_while(self, condition: Callable[[], bool], at_most_s: float) -> None:
        until = time.monotonic() + at_most_s
        while condition() and time.monotonic() < until:
            self._wait(until)
            self._look_after()

    def _hear_stop(self, now: float) -> None:
        if self.told_to_stop is None:
            self.told_to_stop = now
        elif now - self.told_to_stop > self.patience.same_wish:
            self.hurry = True

    def _look_after(self) -> None:
        """Take note of deaths, kill what hangs, reap orphans."""
        now = time.monotonic()
        for seat in self.seats:
            if seat.process is None:
                continue
            if (status := seat.process.poll()) is not None:
                self._ended(seat, status, now)
            elif not seat.ready and now - seat.started > self.patience.start:
                logs.warning("supervisor.never_ready", child=seat.child.name, seconds=self.patience.start)
                seat.process.send(signal.SIGKILL)
        own = {seat.process.pid for seat in self.seats if seat.process}
        orphans.reap(own)
        self.orphans = orphans.sweep(self.orphans, own, now, self.patience.orphan)

    def _ended(self, seat: Seat, status: int, now: float) -> None:
        logs.event("supervisor.ended", child=seat.child.name, how=describe_end(status))
        forget_pipe(seat)
        seat.process, seat.ready = None, False
        if not self.draining:
            self.trouble = after_death(seat, status, now, self.patience) or self.trouble

    def _stop(self, seats: Iterable[Seat]) -> None:
        living = [seat for seat in seats if seat.process]
        for seat in living:
            if seat.process:
                seat.process.send(signal.SIGTERM)
        at_most_s = max((seat.child.stop_s for seat in living), default=0.0)
        self._wait_while(lambda: not self.hurry and any(seat.process for seat in living), at_most_s)
        for seat in living:
            if seat.process:
                logs.warning("supervisor.killed", child=seat.child.name)
                seat.process.send(signal.SIGKILL)
        self._wait_while(lambda: any(seat.process for seat in living), self.patience.killed)
