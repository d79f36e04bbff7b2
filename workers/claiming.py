"""Takes what is queued and due, as much as there is room for, and hands it to the keeper."""

from datetime import UTC, datetime

from hexasched import failpoints, logs
from hexasched.errors import StoreBusyError
from hexasched.store import builds, claiming
from hexasched.store.builds import BuildClaim
from hexasched.store.claiming import Claim
from sandbox.jobs import Job
from workers.building import open_build
from workers.hand import Hands, InHand
from workers.running import internal_failure, job_for, load, said_of, unpacking
from workers.shop import Shop
from workers.warming import Warming

BUILD_SLOTS = 1
"""Slots that only builds take: nobody's deploy waits behind a backlog of runs."""

BUILDS_AT_ONCE = 2


def claim_work(shop: Shop, hands: Hands) -> None:
    """Fill the free slots with runs first, then with builds, which have one more of their own."""
    building = sum(isinstance(hand.claim, BuildClaim) for hand in hands.values())
    free = shop.config.slots + BUILD_SLOTS - len(hands)
    for_runs = free - max(0, BUILD_SLOTS - building)
    for_builds = min(free, BUILDS_AT_ONCE - building)
    now = datetime.now(UTC)
    if not _anything(shop, for_runs, for_builds, now):
        return
    with shop.database.writing() as connection:
        to_run = claiming.claim(connection, shop.worker_id, for_runs, now) if for_runs > 0 else []
        room = min(free - len(to_run), for_builds)
        to_build = builds.claim(connection, shop.worker_id, room, now) if room > 0 else []
    if to_run:
        failpoints.reach("claim.after_commit")
    for claim in to_run:
        key = f"run-{claim.run_id}-{claim.fence}"
        hands[key] = InHand(claim=claim, key=key, spool=shop.spool(key))
    for build_claim in to_build:
        key = f"build-{build_claim.build_id}-{build_claim.fence}"
        hands[key] = InHand(claim=build_claim, key=key, spool=shop.spool(key))


def start_claimed(shop: Shop, hands: Hands, warming: Warming) -> None:
    """Give the keeper what was claimed. What can't be read from the database now is tried again in the next round."""
    for hand in [hand for hand in hands.values() if not hand.submitted and hand.ended is None]:
        if isinstance(hand.claim, Claim):
            _start_run(shop, hand, hand.claim, warming)
        else:
            _start_build(shop, hands, hand, hand.claim)


def hold(shop: Shop, hands: Hands, hand: InHand, job: Job) -> None:
    """Take a piece of work into the hand and give its job to the keeper."""
    hands[hand.key] = hand
    hand.submitted = True
    shop.keeper.submit(job)


def _anything(shop: Shop, for_runs: int, for_builds: int, now: datetime) -> bool:
    """A look that takes no lock: most rounds find nothing."""
    with shop.database.reading() as connection:
        return (for_runs > 0 and claiming.any_due(connection, now)) or (
            for_builds > 0 and builds.any_queued(connection)
        )


def _start_run(shop: Shop, hand: InHand, claim: Claim, warming: Warming) -> None:
    try:
        if hand.preparing is not None and not hand.preparing.done():
            return
        work = load(shop, claim)
        if hand.preparing is None:
            hand.preparing = unpacking(shop, work)
            if hand.preparing is not None:
                return
        else:
            hand.preparing.result()
        job = job_for(shop, work)
    except StoreBusyError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the run must end, and as our failure
        logs.failure("run.not_started", run_id=claim.run_id)
        hand.ended = internal_failure(error)
        return
    failpoints.reach("spawn.before")
    hand.submitted = True
    shop.keeper.submit(job)
    failpoints.reach("spawn.after")
    if work.version_number is not None:
        warming.used(work.function_id)


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
