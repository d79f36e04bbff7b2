"""Takes what is queued and due, as much as there is room for, and hands it to the keeper."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from hexasched import failpoints, logs
from hexasched.errors import StoreBusyError
from hexasched.store import build_claims, builds, claiming
from hexasched.store.build_claims import BuildClaim
from hexasched.store.claiming import Claim
from hexasched.store.work import RunWork
from sandbox.jobs import Job
from workers.building import open_build
from workers.hand import Hands, InHand
from workers.room import Room, free_slots, room_beside, take
from workers.running import internal_failure, job_for, load_all, said_of, unpacking
from workers.shop import Shop
from workers.warming import Warming

LOADED_AT_ONCE = 8
"""Each comes with its version's source, in memory."""


def claim_work(shop: Shop, hands: Hands, *, rung: bool) -> bool:
    """Fill the free slots with runs first, then with builds; whether more runs may wait than there was room for."""
    room = room_beside(shop, hands.values())
    if room.runs <= 0 and room.builds() <= 0:
        return True
    now = datetime.now(UTC)
    if not (rung or _anything(shop, room, now)):
        return room.runs <= 0
    with shop.database.writing() as connection:
        claims = take(connection, shop, room, now)
    put_in_hand(shop, hands, claims)
    return sum(isinstance(claim, Claim) for claim in claims) >= room.runs


def put_in_hand(shop: Shop, hands: Hands, claims: Sequence[Claim | BuildClaim]) -> None:
    """Begin with what was claimed."""
    if any(isinstance(claim, Claim) for claim in claims):
        failpoints.reach("claim.after_commit")
    for claim in claims:
        name = f"run-{claim.run_id}" if isinstance(claim, Claim) else f"build-{claim.build_id}"
        key = f"{name}-{claim.fence}"
        hands[key] = InHand(claim=claim, key=key, spool=shop.spool(key))


def start_claimed(shop: Shop, hands: Hands, warming: Warming) -> None:
    """Prepare what was claimed, and begin with it where there is a slot.

    What can't be read from the database now is tried again in the next round.
    """
    new = [hand for hand in hands.values() if not (hand.submitted or hand.leaving) and hand.ended is None]
    new = [hand for hand in new if hand.job is None and (hand.preparing is None or hand.preparing.done())]
    for hand in new:
        if isinstance(hand.claim, BuildClaim):
            _start_build(shop, hands, hand, hand.claim)
    runs = [(hand, hand.claim) for hand in new if isinstance(hand.claim, Claim)]
    for start in range(0, len(runs), LOADED_AT_ONCE):
        some = runs[start : start + LOADED_AT_ONCE]
        works = load_all(shop, [claim for _, claim in some])
        for hand, claim in some:
            _prepare_run(shop, hand, works[claim], warming)
        start_waiting(shop, hands)


def start_waiting(shop: Shop, hands: Hands) -> None:
    """Give the keeper the runs that only waited for a slot, as many as there are free ones now."""
    waiting = [hand for hand in hands.values() if hand.waits]
    for hand in waiting[: free_slots(shop, hands)] if waiting else []:
        assert hand.job is not None
        failpoints.reach("spawn.before")
        hand.submitted_at = time.monotonic()
        shop.keeper.submit(hand.job)
        hand.job = None  # it holds the event and the variables
        failpoints.reach("spawn.after")


def hold(shop: Shop, hands: Hands, hand: InHand, job: Job) -> None:
    """Take a piece of work into the hand and give its job to the keeper."""
    hands[hand.key] = hand
    hand.submitted_at = time.monotonic()
    shop.keeper.submit(job)


def _anything(shop: Shop, room: Room, now: datetime) -> bool:
    """A look that takes no lock: most rounds find nothing."""
    with shop.database.reading() as connection:
        if room.runs > 0 and claiming.any_due(connection, now):
            return True
        return room.builds() > 0 and build_claims.any_queued(connection)


def _prepare_run(shop: Shop, hand: InHand, work: RunWork | Exception, warming: Warming) -> None:
    try:
        hand.job = _job_of(shop, hand, work)
    except Exception as error:  # noqa: BLE001 - whatever it is, the run must end, and as our failure
        logs.failure("run.not_started", run_id=hand.parent_id)
        hand.ended = internal_failure(error)
    if hand.job is not None and isinstance(work, RunWork) and work.version_number is not None:
        warming.used(work.function_id)


def _job_of(shop: Shop, hand: InHand, work: RunWork | Exception) -> Job | None:
    """None while its packages are still to be unpacked. Raises whatever keeps us from running it."""
    if isinstance(work, Exception):
        raise work
    if hand.preparing is not None:
        hand.preparing.result()
    elif (unpacked := unpacking(shop, work)) is not None:
        hand.preparing = unpacked
        return None
    return job_for(shop, work)


def _start_build(shop: Shop, hands: Hands, claimed: InHand, claim: BuildClaim) -> None:
    try:
        state, job = open_build(shop, claim)
    except StoreBusyError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the build must end
        logs.failure("build.not_started", build_id=claim.build_id)
        with shop.database.writing() as connection:
            builds.fail_internally(connection, claim, said_of(error), datetime.now(UTC))
        del hands[claimed.key]
        return
    del hands[claimed.key]
    hold(shop, hands, InHand(claim=claim, key=job.key, spool=shop.spool(job.key), build=state), job)
