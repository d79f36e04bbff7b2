"""Ends the work of workers that have not beaten for a whole lease, judged by our own monotonic clock.

A lease has run out when its heartbeat count stood still for REAP_S while we looked: wall clocks of different machines,
and jumps of this one's, play no part.

Nothing is begun again while it may still be going, also where the worker is frozen, cut off, or waits for the database:

    killed at   K <= S + LEASE_S + d     by the keeper, whose lease counts from S, when the last heartbeat that the
                                         database accepted was sent; d is how late the keeper comes, and how long
                                         the processes take to die
    reaped at   R >= C + REAP_S          C is when the reaper first saw that heartbeat's count; it was committed before
                                         and sent before that: C >= S

So K < R as long as d < REAP_S - LEASE_S = 5 s. A claim counts as a heartbeat that was sent at S or later. Clocks of two
machines that run apart by 0.1 % take 35 ms of the 5 s. It needs a living keeper: if the worker and its keeper are
both stopped for a whole lease, but not their sandboxes, or the whole machine for so long and then goes on, both may be
going.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from hexasched import logs
from hexasched.domain.limits import REAP_S
from hexasched.store import build_claims, builds, finishing, holding
from hexasched.store.build_claims import BuildClaim
from hexasched.store.claiming import Claim
from hexasched.store.database import Database
from hexasched.store.together import all_or_each

Lease = tuple[Claim | BuildClaim, int]
"""A claim and its heartbeat count."""


class LeaseWatch:
    """Remembers every lease that it saw, and since when its count has stood still."""

    def __init__(self) -> None:
        self._seen: dict[Claim | BuildClaim, tuple[int, float]] = {}

    def sweep(self, database: Database) -> int:
        """End what nobody works on any more; returns how many runs and builds that was."""
        with database.reading() as connection:
            leases: list[Lease] = [*holding.running_leases(connection), *build_claims.running_leases(connection)]
        expired = self._expired(leases, time.monotonic())
        if not expired:
            return 0
        ended = end_each(database, expired)
        for claim in ended:
            logs.warning("lease.expired", claim=claim)
        # What could not be ended is tried again, but not at once: it may never work.
        self._seen |= {claim: (count, time.monotonic()) for claim, count in expired}
        return len(ended)

    def _expired(self, leases: list[Lease], now: float) -> list[Lease]:
        before, self._seen = self._seen, {}
        for claim, count in leases:
            known = before.get(claim)
            self._seen[claim] = known if known is not None and known[0] == count else (count, now)
        return [(claim, count) for claim, (count, since) in self._seen.items() if now - since >= REAP_S]


def end_each(database: Database, leases: list[Lease]) -> list[Claim | BuildClaim]:
    """End the work of these leases; those that it ended. What can't be ended is logged, and keeps no other from it.

    Raises StoreBusyError; some have been ended then.
    """

    ended: list[Claim | BuildClaim] = []

    def end(some: Sequence[Lease]) -> None:
        with database.writing() as connection:
            won = [claim for claim, count in some if _end(connection, claim, count)]
        ended.extend(won)

    all_or_each("lease.end", leases, end, lambda lease: logs.failure("lease.not_ended", claim=lease[0]))
    return ended


def _end(connection: Connection, claim: Claim | BuildClaim, count: int) -> bool:
    """End a run, or queue a build again, if its heartbeat count is still `count`; False if it has beaten or ended."""
    now = datetime.now(UTC)
    if isinstance(claim, Claim):
        return finishing.reap(connection, claim, count, now)
    return builds.reap(connection, claim, count, now)
