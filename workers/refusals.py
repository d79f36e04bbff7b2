"""What the database refuses for another reason than that it is busy is tried again, and nothing else waits for it."""

import contextlib
import time
from collections.abc import Iterator

from hexasched import logs
from hexasched.errors import TryAgainError
from workers.hand import InHand

FIRST_REST_S, LONGEST_REST_S = 1.0, 300.0


@contextlib.contextmanager
def resting_where_refused(hand: InHand) -> Iterator[None]:
    """What can't be written stays in hand and is tried again, each time after a longer pause: the rest goes on."""
    try:
        yield
    except TryAgainError:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, ending the worker would lose all that it has in hand
        rest(hand)


def rest(hand: InHand) -> None:
    """Log the exception that is being handled, and let nobody try this hand again for a while."""
    logs.failure("work.refused", key=hand.key)
    hand.rests_until = time.monotonic() + min(FIRST_REST_S * 2**hand.refusals, LONGEST_REST_S)
    hand.refusals += 1
