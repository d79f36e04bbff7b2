"""Gives claimed runs that have not begun back to the queue: another worker may have a slot for them."""

import time
from collections.abc import Sequence
from functools import partial

from hexasched import doorbell
from hexasched.domain.outcomes import Outcome, Status
from hexasched.store import claiming, holding
from hexasched.store.claiming import Claim
from hexasched.store.together import all_or_each
from workers.hand import Hands, InHand
from workers.refusals import rest
from workers.shop import Shop

MAX_WAIT_S = 1.0
"""How long a run that was claimed ahead waits here for its slot."""


def give_back_due(shop: Shop, hands: Hands, *, everything: bool) -> None:
    """Give back what has waited for too long, and what is leaving already; or `everything` that has not begun.

    Raises StoreBusyError; it is to be repeated then.
    """
    now = time.monotonic()

    def is_due(hand: InHand) -> bool:
        late = hand.waits and now - hand.claimed_at > MAX_WAIT_S
        return hand.unbegun and hand.rests_until <= now and (everything or hand.leaving or late)

    give_back(shop, hands, list(filter(is_due, hands.values())))


def give_back(shop: Shop, hands: Hands, chosen: list[InHand]) -> None:
    """Queue these runs again, which have not begun. One that somebody wants to stop ends as cancelled instead.

    Until the commit is heard of they are leaving: its answer may be lost, and another worker may have them by then.
    Raises StoreBusyError.
    """
    if not chosen:
        return
    for hand in chosen:
        hand.leaving = True
    all_or_each("run.give_back", chosen, partial(_give_back_together, shop, hands), rest)
    doorbell.ring_others(shop.data_dir, doorbell.WORK)


def _give_back_together(shop: Shop, hands: Hands, chosen: Sequence[InHand]) -> None:
    with shop.database.writing() as connection:
        for hand in chosen:
            assert isinstance(hand.claim, Claim)
            claiming.release(connection, hand.claim)
        cancelled = dict(holding.to_cancel(connection, shop.worker_id))
    for hand in chosen:
        if isinstance(hand.claim, Claim) and hand.claim in cancelled:
            hand.ended = Outcome(status=Status.CANCELLED, reason=cancelled[hand.claim])
        else:
            del hands[hand.key]  # queued again, or not ours any more
