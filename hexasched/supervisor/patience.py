"""How long the supervisor puts up with what, and what follows from a child's death."""

from dataclasses import dataclass

from hexasched.supervisor.children import Seat, describe_end


@dataclass(frozen=True, kw_only=True)
class Patience:
    """All in seconds."""

    restart_delays: tuple[float, ...] = (0.0, 0.5, 4.0, 30.0)  # after the first, second, … death in a row; then no more
    fast_death: float = 30.0  # a longer life ends the row
    no_room: float = 4.0  # until the next try, where the machine had no room for another process
    start: float = 180.0  # for a child to say that it is ready; all start at once, on a small machine while it boots
    orphan: float = 5.0  # for what a dead child left behind to end by itself
    killed: float = 5.0  # for the kernel to carry out a SIGKILL
    same_wish: float = 1.0  # two stop signals so close are one: make passes on what the whole group was sent


def after_death(seat: Seat, status: int, now: float, patience: Patience) -> str | None:
    """Plan the seat's next start (monotonic), or say why there will be none.

    A child that can't begin (exit status 1 before it was ever ready) has said why, and another try would say it again.
    Errors that may pass, and our own, have other statuses; see hexasched/errors.py.
    """
    name = seat.child.name
    seat.deaths = 1 if now - seat.started >= patience.fast_death else seat.deaths + 1
    if status == 1 and not seat.ever_ready:
        return f"{name} could not start; why is in the lines above."
    if seat.deaths > len(patience.restart_delays):
        return (
            f"{name} ended {seat.deaths} times in a row soon after its start, the last time with "
            f"{describe_end(status)}; why is in the lines above. Giving up."
        )
    seat.restart_at = now + patience.restart_delays[seat.deaths - 1]
    return None
