"""How much a worker takes: runs for its slots, builds beside them, and runs ahead of their slots."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hexasched.store import build_claims, claiming
from hexasched.store.build_claims import BuildClaim
from hexasched.store.claiming import Claim
from hexasched.store.database import Connection
from workers.hand import Hands, InHand
from workers.shop import Shop

BUILD_SLOTS = 1
"""Slots that only builds take: nobody's deploy waits behind a backlog of runs."""

BUILDS_AT_ONCE = 2
AHEAD_AT_MOST = 16
"""Their events and variables are in memory."""

AHEAD_OF_DEADLINE = timedelta(seconds=3)
"""What must begin within that is not claimed ahead: it may be given back, and another worker needs a moment."""

SHORT_S = 0.2
"""What counts as a short run: behind it another one may wait here, instead of in the queue for all workers."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """What is in hand, and how much more can be taken."""

    slots: int
    running: int
    building: int

    @property
    def runs(self) -> int:
        """How many more runs; less than none where some are here that there is no slot for."""
        return self.slots - self.running - max(0, self.building - BUILD_SLOTS)

    def builds(self, taken: int = 0) -> int:
        """How many more builds, beside so many more runs."""
        runs = min(self.running + taken, self.slots)
        return min(BUILDS_AT_ONCE, self.slots + BUILD_SLOTS - runs) - self.building


def room_beside(shop: Shop, hands: Iterable[InHand]) -> Room:
    """The room that these leave."""
    held = list(hands)
    building = sum(isinstance(hand.claim, BuildClaim) for hand in held)
    return Room(slots=shop.config.slots, running=len(held) - building, building=building)


def free_slots(shop: Shop, hands: Hands) -> int:
    """How many runs can begin now. A build has its place also between two of its stages."""
    going = [hand for hand in hands.values() if isinstance(hand.claim, BuildClaim)]
    going += [hand for hand in hands.values() if isinstance(hand.claim, Claim) and hand.submitted and not hand.ended]
    return max(0, room_beside(shop, going).runs)


def ahead(shop: Shop, ended: Iterable[InHand], left: Iterable[InHand]) -> int:
    """For how many runs there will be a slot in a moment: as many as there are slots, if all that goes on is short.

    They are prepared while others run, so that no slot is empty while an end is written.
    """
    now, others = time.monotonic(), list(left)
    if any(hand.unbegun and hand.job is None for hand in others):
        return 0  # its packages are being unpacked, and that takes long
    began = [hand.submitted_at for hand in others if hand.submitted_at is not None and hand.ended is None]
    short = all(now - at <= SHORT_S for at in began)
    short = short and all(hand.ended is not None and hand.ended.duration_ms <= SHORT_S * 1000 for hand in ended)
    return min(shop.config.slots, AHEAD_AT_MOST) if short else 0


def take(connection: Connection, shop: Shop, room: Room, now: datetime, more: int = 0) -> list[Claim | BuildClaim]:
    """Claim what there is room for, and so many runs `more`; they are ours once that is committed."""
    to_run = claiming.claim(connection, shop.worker_id, room.runs, now) if room.runs > 0 else []
    if more > 0 and len(to_run) >= room.runs and (count := room.runs + more - len(to_run)) > 0:
        to_run += claiming.claim(connection, shop.worker_id, count, now, starts_after=now + AHEAD_OF_DEADLINE)
    builds = room.builds(len(to_run))
    to_build = build_claims.claim(connection, shop.worker_id, builds, now) if builds > 0 else []
    return [*to_run, *to_build]
