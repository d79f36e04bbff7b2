"""Ends what is in hand before its time: cancelled, replaced, lost to another worker, or because this one drains."""

from typing import Literal

from hexasched import logs
from hexasched.domain.outcomes import Outcome, Reason, Status
from hexasched.errors import StoreBusyError
from hexasched.store import build_claims, holding
from hexasched.store.build_claims import BuildClaim
from hexasched.store.claiming import Claim
from workers.hand import Hands, InHand
from workers.returning import give_back
from workers.shop import Shop

Cause = Literal["cancel", "replaced", "drain"]


def pass_on_cancels(shop: Shop, hands: Hands) -> None:
    """Stop the runs that somebody wants to stop."""
    going = [hand for hand in hands.values() if hand.build is None and not hand.stopping and hand.ended is None]
    if not going:
        return
    with shop.database.reading() as connection:
        wanted = dict(holding.to_cancel(connection, shop.worker_id))
    for hand in going:
        if isinstance(hand.claim, Claim) and hand.claim in wanted:
            stop(shop, hands, hand, "replaced" if wanted[hand.claim] is Reason.REPLACED else "cancel")


def stop_all(shop: Shop, hands: Hands) -> None:
    """End what is still in hand: runs get a replacement, builds go back to the queue.

    What the database does not take back now stays in hand for the next round. Raises KeeperGoneError.
    """
    left = [hand for hand in hands.values() if not hand.stopping and (hand.ended is None or hand.preparing is not None)]
    # Those for which the database is needed are the last: the others must not wait while it is busy.
    for hand in sorted(left, key=lambda hand: not hand.submitted):
        try:
            stop(shop, hands, hand, "drain")
        except StoreBusyError as error:
            logs.warning("store.busy", error=error)
            return


def stop(shop: Shop, hands: Hands, hand: InHand, cause: Cause) -> None:
    """End one piece of work; its outcome follows, unless the keeper never got it.

    Raises StoreBusyError if the database does not take back now what the keeper never got.
    """
    if hand.ended is not None:
        pass  # a build between two stages: it is given back when its helper is done
    elif hand.submitted:
        shop.keeper.stop(hand.key, cause)
    elif cause != "drain" and isinstance(hand.claim, Claim):
        reason = Reason.REPLACED if cause == "replaced" else Reason.USER
        hand.ended = Outcome(status=Status.CANCELLED, reason=reason)
    elif isinstance(hand.claim, Claim):
        give_back(shop, hands, [hand])
    else:
        _give_back_build(shop, hands, hand, hand.claim)
    hand.stopping = True


def _give_back_build(shop: Shop, hands: Hands, hand: InHand, claim: BuildClaim) -> None:
    """What the keeper never got is queued again, as if it had not been claimed."""
    with shop.database.writing() as connection:
        build_claims.release(connection, claim)
    del hands[hand.key]
