"""The worker's heartbeat: to the database, whose answer says what is still ours, and then to the keeper."""

import time
from datetime import UTC, datetime

from hexasched import failpoints, logs
from hexasched.domain.outcomes import Outcome, Status
from hexasched.store import build_claims, claiming, finishing, holding, workers
from hexasched.store.build_claims import BuildClaim
from hexasched.store.claiming import Claim
from hexasched.store.database import Connection
from workers.hand import Hands
from workers.shop import Shop
from workers.stopping import stop
from workers.watch import KeeperWatch


def beat(shop: Shop, hands: Hands, watch: KeeperWatch) -> None:
    """Beat for all that is in hand; what is no longer ours is stopped, what nobody knew of is given back."""
    failpoints.reach("hb.before")
    sent_at, now = time.monotonic(), datetime.now(UTC)
    held = {hand.claim for hand in hands.values()}
    with shop.database.writing() as connection:
        mine: set[Claim | BuildClaim] = set(holding.beat(connection, shop.worker_id, now))
        mine |= build_claims.beat(connection, shop.worker_id)
        _return(connection, shop.worker_id, mine - held, now)
    shop.keeper.beat(sent_at)
    watch.asked(time.monotonic())
    for hand in list(hands.values()):
        if hand.claim not in mine and hand.ended is None and not hand.stopping:
            logs.warning("claim.lost", key=hand.key)
            stop(shop, hands, hand, "cancel")


def leave(shop: Shop) -> None:
    """Give back what the worker has without knowing it, and take its row away. Raises StoreBusyError."""
    now = datetime.now(UTC)
    with shop.database.writing() as connection:
        unknown: set[Claim | BuildClaim] = {claim for claim, _ in holding.held_by(connection, shop.worker_id)}
        unknown |= {claim for claim, _ in build_claims.held_by(connection, shop.worker_id)}
        _return(connection, shop.worker_id, unknown, now)
        workers.leave(connection, shop.worker_id)


def _return(connection: Connection, worker_id: str, unknown: set[Claim | BuildClaim], now: datetime) -> None:
    """The answer to these claims was lost on its way: nobody would ever start them."""
    to_stop = dict(holding.to_cancel(connection, worker_id)) if unknown else {}
    for claim in unknown:
        if isinstance(claim, BuildClaim):
            build_claims.release(connection, claim)
        elif not claiming.release(connection, claim) and claim in to_stop:
            outcome = Outcome(status=Status.CANCELLED, reason=to_stop[claim])
            finishing.finish(connection, claim, outcome, now)
