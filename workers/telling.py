"""Tells the database about work that goes on: that it has started, and what it has printed since the last time."""

import time
from collections.abc import Iterable, Sequence
from functools import partial

from hexasched import doorbell, failpoints, logs
from hexasched.domain.limits import MIB
from hexasched.store import holding
from hexasched.store import logs as stored_logs
from hexasched.store.claiming import Claim
from hexasched.store.database import Connection
from hexasched.store.together import all_or_each
from workers.hand import Hands, InHand
from workers.shipping import new_chunks, unshipped
from workers.shop import Shop

GROUP_BYTES = 16 * MIB
"""What one transaction takes of spools: it holds the database's lock, and all of it is in memory."""

SILENT_S = 30.0
"""What the database has refused to be told of a run is not tried for so long."""


def tell(shop: Shop, hands: Hands) -> None:
    """Write what is new in one transaction; where one of them makes it fail, each in its own, so that it fails alone.

    What it has no room for, or the database does not take, is told later.
    """
    group = first_group(filter(_is_new, hands.values()))
    all_or_each("work.tell", group, partial(_tell_together, shop), _be_silent)


def _be_silent(hand: InHand) -> None:
    logs.failure("work.not_told", key=hand.key)
    hand.untold_until = time.monotonic() + SILENT_S


def _tell_together(shop: Shop, group: Sequence[InHand]) -> None:
    fresh, grown = [hand for hand in group if hand.unmarked], [hand for hand in group if hand.grown]
    with shop.database.writing() as connection:
        for hand in fresh:
            _mark_started(connection, hand)
        shipped = [(hand, ship(connection, hand)) for hand in grown]
    for hand in fresh:
        hand.marked = True
    for hand, offset in shipped:
        hand.shipped, hand.grown, hand.unsure = offset, False, False
    if shipped:
        failpoints.reach("log.after_ship")
    doorbell.ring(shop.data_dir, doorbell.DONE)


def ship(connection: Connection, hand: InHand) -> int:
    """Store what is new in the spool; the offset behind it.

    After a commit of which nobody heard, the database knows how far it came. Until its caller has heard of this one's,
    the hand is unsure.
    """
    fence, start = hand.claim.fence, hand.shipped
    if hand.unsure:
        start = max(start, stored_logs.end(connection, hand.kind, hand.parent_id, fence) - hand.log_base)
    hand.unsure = True
    chunks, offset = new_chunks(hand.spool, fence, start, hand.log_base)
    stored_logs.append(connection, hand.kind, hand.parent_id, chunks)
    return offset


def anything_new(hands: Iterable[InHand]) -> bool:
    """Whether `tell` has something to write."""
    return any(map(_is_new, hands))


def first_group(hands: Iterable[InHand]) -> list[InHand]:
    """As many, from the first on, as one transaction is to ship: no more than GROUP_BYTES, but at least one."""
    group: list[InHand] = []
    room = GROUP_BYTES
    for hand in hands:
        room -= unshipped(hand.spool, hand.shipped)
        if group and room < 0:
            break
        group.append(hand)
    return group


def _is_new(hand: InHand) -> bool:
    """Whether there is something that may be told before its end, which tells the rest."""
    if hand.untold_until > time.monotonic():
        return False
    return hand.ended is None and (hand.grown or hand.unmarked)


def _mark_started(connection: Connection, hand: InHand) -> None:
    assert isinstance(hand.claim, Claim)
    assert hand.started_at is not None
    holding.mark_started(connection, hand.claim, hand.started_at)
