"""Writes how runs and builds ended, each with the rest of its log in one transaction."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from hexasched import doorbell, failpoints, logs
from hexasched.domain.outcomes import ALERTING, Reason
from hexasched.store import build_claims, finishing
from hexasched.store import logs as stored_logs
from hexasched.store.build_claims import BuildClaim
from hexasched.store.claiming import Claim
from hexasched.store.database import Connection
from hexasched.store.together import all_or_each
from sandbox.jobs import Job
from workers import builds as steps
from workers.building import conclude, fail_internally, next_job
from workers.builds import BuildState
from workers.claiming import hold, put_in_hand
from workers.hand import Hands, InHand
from workers.refusals import rest, resting_where_refused
from workers.room import ahead, room_beside, take
from workers.running import said_of
from workers.shipping import new_chunks
from workers.shop import Shop
from workers.telling import first_group, ship


def end_all(shop: Shop, hands: Hands, *, refill: bool = False) -> bool:
    """What is over, of runs no more than one transaction is to take; whether any of it left the hands.

    To be repeated for as long as it does. What the database does not take now stays in hand for the next round. With
    `refill` the room that runs leave is filled in the same transaction: where many wait that is a commit less for each.
    """
    now = time.monotonic()
    over = [hand for hand in hands.values() if hand.ended is not None and hand.rests_until <= now]
    ended = [hand for hand in over if hand.build is None]
    end = partial(_end_together, shop, hands)
    all_or_each("run.end", first_group(ended), end, rest, more=partial(end, refill=refill))
    for hand in over:
        if hand.build is not None:
            with resting_where_refused(hand):
                _go_on(shop, hands, hand, hand.build)
    return any(hand.key not in hands for hand in over)


def _end_together(shop: Shop, hands: Hands, ended: Sequence[InHand], *, refill: bool = False) -> None:
    now = datetime.now(UTC)
    over = {hand.key for hand in ended}
    with shop.database.writing() as connection:
        won = [_finish(connection, hand, now) for hand in ended]
        left = [hand for hand in hands.values() if hand.key not in over]
        claims = take(connection, shop, room_beside(shop, left), now, ahead(shop, ended, left)) if refill else []
        failpoints.reach("finish.before_commit")
    failpoints.reach("finish.after_commit")
    put_in_hand(shop, hands, claims)
    topics = {doorbell.DONE, doorbell.WORK}
    for hand, is_ours in zip(ended, won, strict=True):
        assert hand.ended is not None
        _put_down(hands, hand)
        outcome = hand.ended
        logs.event("run.finished", run_id=hand.parent_id, status=outcome.status, reason=outcome.reason, won=is_ours)
        if outcome.status in ALERTING:
            topics.add(doorbell.MAIL)
    doorbell.ring_others(shop.data_dir, *topics)


def _finish(connection: Connection, hand: InHand, now: datetime) -> bool:
    assert isinstance(hand.claim, Claim)
    assert hand.ended is not None
    ship(connection, hand)
    started_at = hand.started_at if hand.unmarked else None
    return finishing.finish(connection, hand.claim, hand.ended, now, started_at=started_at)


def _go_on(shop: Shop, hands: Hands, hand: InHand, state: BuildState) -> None:
    if hand.concluding:
        _end_build(shop, hands, hand, state)
    else:
        _end_stage(shop, hands, hand, state)


def _end_stage(shop: Shop, hands: Hands, hand: InHand, state: BuildState) -> None:
    assert hand.ended is not None
    if hand.preparing is None:
        _ship_rest(shop, hand)
        if hand.ended.reason is Reason.DRAIN:
            _give_back(shop, hands, hand)
        else:
            hand.preparing = shop.helper.submit(next_job, shop, state, hand.ended)
        return
    if not hand.preparing.done():
        return
    job = _prepared(hand, state)
    if hand.stopping and job is not None:
        _give_back(shop, hands, hand)
    elif job is not None:
        _put_down(hands, hand)
        base = hand.log_base + hand.shipped
        following = InHand(claim=hand.claim, key=job.key, spool=shop.spool(job.key), build=state, log_base=base)
        hold(shop, hands, following, job)
    else:
        hand.concluding = True
        _end_build(shop, hands, hand, state)


def _ship_rest(shop: Shop, hand: InHand) -> None:
    with shop.database.writing() as connection:
        end = stored_logs.end(connection, "build", hand.parent_id, hand.claim.fence)
        chunks, offset = new_chunks(hand.spool, hand.claim.fence, max(hand.shipped, end - hand.log_base), hand.log_base)
        stored_logs.append(connection, "build", hand.parent_id, chunks)
    hand.shipped = offset


def _prepared(hand: InHand, state: BuildState) -> Job | None:
    assert hand.preparing is not None
    try:
        job: Job | None = hand.preparing.result()
    except Exception as error:  # noqa: BLE001 - whatever it is, the build must end, and as our failure
        logs.failure("build.failed", build_id=state.work.claim.build_id)
        fail_internally(state, f"HexaSched could not go on with this build. {said_of(error)}")
        return None
    return job


def _give_back(shop: Shop, hands: Hands, hand: InHand) -> None:
    assert isinstance(hand.claim, BuildClaim)
    with shop.database.writing() as connection:
        build_claims.release(connection, hand.claim)
    _put_down(hands, hand)


def _end_build(shop: Shop, hands: Hands, hand: InHand, state: BuildState) -> None:
    with shop.database.writing() as connection:
        conclude(connection, state, datetime.now(UTC))
    _put_down(hands, hand)
    shop.helper.submit(steps.clean, state)
    logs.event("build.finished", build_id=hand.parent_id)
    doorbell.ring(shop.data_dir, doorbell.DONE, doorbell.WORK)


def _put_down(hands: Hands, hand: InHand) -> None:
    del hands[hand.key]
    hand.spool.unlink(missing_ok=True)
