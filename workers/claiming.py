"""Takes what is queued and due, as much as there is room for, and hands it to the keeper."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hexasched import failpoints, logs
from hexasched.errors import StoreBusyError
from hexasched.store import build_claims, builds, claiming
from hexasched.store.build_claims import BuildClaim
from hexasched.store.claiming import Claim
from hexasched.store.database import Connection
from hexasched.store.work import RunWork
from sandbox.jobs import Job
from workers.building import open_build
from workers.hand import Hands, InHand
from workers.running import internal_failure, job_for, load_all, said_of, unpacking
from workers.shop import Shop
from workers.warming import Warming

BUILD_SLOTS = 1
"""Slots that only builds take: nobody's deploy waits behind a backlog of runs."""

BUILDS_AT_ONCE = 2


@dataclass(frozen=True, kw_only=True)
class Room:
    """How many more can be taken: in all, of runs, of builds."""

    free: int
    runs: int
    builds: int


def claim_work(shop: Shop, hands: Hands) -> bool:
    """Fill the free slots with runs first, then with builds; whether more runs may wait than there was room for."""
    room = room_beside(shop, hands.values())
    now = datetime.now(UTC)
    if not _anything(shop, room, now):
        return room.runs <= 0
    with shop.database.writing() as connection:
        claims = take(connection, shop, room, now)
    put_in_hand(shop, hands, claims)
    return sum(isinstance(claim, Claim) for claim in claims) >= room.runs


def room_beside(shop: Shop, hands: Iterable[InHand]) -> Room:
    """The room that these leave. Builds have one more slot, which is theirs alone."""
    held = list(hands)
    building = sum(isinstance(hand.claim, BuildClaim) for hand in held)
    free = shop.config.slots + BUILD_SLOTS - len(held)
    return Room(free=free, runs=free - max(0, BUILD_SLOTS - building), builds=min(free, BUILDS_AT_ONCE - building))


def take(connection: Connection, shop: Shop, room: Room, now: datetime) -> list[Claim | BuildClaim]:
    """Claim what there is room for; they are ours, and to be put in hand, once that is committed."""
    to_run = claiming.claim(connection, shop.worker_id, room.runs, now) if room.runs > 0 else []
    left = min(room.free - len(to_run), room.builds)
    to_build = build_claims.claim(connection, shop.worker_id, left, now) if left > 0 else []
    return [*to_run, *to_build]


def put_in_hand(shop: Shop, hands: Hands, claims: Sequence[Claim | BuildClaim]) -> None:
    """Begin with what was claimed."""
    if any(isinstance(claim, Claim) for claim in claims):
        failpoints.reach("claim.after_commit")
    for claim in claims:
        name = f"run-{claim.run_id}" if isinstance(claim, Claim) else f"build-{claim.build_id}"
        key = f"{name}-{claim.fence}"
        hands[key] = InHand(claim=claim, key=key, spool=shop.spool(key))


def start_claimed(shop: Shop, hands: Hands, warming: Warming) -> None:
    """Give the keeper what was claimed. What can't be read from the database now is tried again in the next round."""
    ready = [hand for hand in hands.values() if not hand.submitted and hand.ended is None and _is_prepared(hand)]
    works = load_all(shop, runs) if (runs := [hand.claim for hand in ready if isinstance(hand.claim, Claim)]) else {}
    for hand in ready:
        if isinstance(hand.claim, Claim):
            _start_run(shop, hand, works[hand.claim], warming)
        else:
            _start_build(shop, hands, hand, hand.claim)


def hold(shop: Shop, hands: Hands, hand: InHand, job: Job) -> None:
    """Take a piece of work into the hand and give its job to the keeper."""
    hands[hand.key] = hand
    hand.submitted = True
    shop.keeper.submit(job)


def _anything(shop: Shop, room: Room, now: datetime) -> bool:
    """A look that takes no lock: most rounds find nothing."""
    with shop.database.reading() as connection:
        if room.runs > 0 and claiming.any_due(connection, now):
            return True
        return room.builds > 0 and build_claims.any_queued(connection)


def _is_prepared(hand: InHand) -> bool:
    return hand.preparing is None or hand.preparing.done()


def _start_run(shop: Shop, hand: InHand, work: RunWork | Exception, warming: Warming) -> None:
    try:
        job = _job_of(shop, hand, work)
    except StoreBusyError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the run must end, and as our failure
        logs.failure("run.not_started", run_id=hand.parent_id)
        hand.ended = internal_failure(error)
        return
    if job is None:
        return
    failpoints.reach("spawn.before")
    hand.submitted = True
    shop.keeper.submit(job)
    failpoints.reach("spawn.after")
    if isinstance(work, RunWork) and work.version_number is not None:
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
