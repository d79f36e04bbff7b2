"""The worker's heartbeat: to the database, whose answer says what is still ours, and then to the keeper."""

import time
from datetime import UTC, datetime

from hexasched import failpoints, logs
from hexasched.domain.outcomes import Outcome, Reason, Status
from hexasched.store import build_claims, claiming, finishing, holding
from hexasched.store.build_claims import BuildClaim
from hexasched.store.claiming import Claim
from workers.hand import Hands
from workers.shop import Shop
from workers.stopping import stop
from workers.watch import KeeperWatch

NEVER_BEGUN = Outcome(status=Status.CANCELLED, reason=Reason.USER)


def beat(shop: Shop, hands: Hands, watch: KeeperWatch) -> None:
    """Beat for all that is in hand; what is no longer ours is stopped, what nobody knew of is given back."""
    failpoints.reach("hb.before")
    sent_at, now = time.monotonic(), datetime.now(UTC)
    held = {hand.claim for hand in hands.values()}
    with shop.database.writing() as connection:
        mine: set[Claim | BuildClaim] = set(holding.beat(connection, shop.worker_id, now))
        mine |= build_claims.beat(connection, shop.worker_id)
        for claim in mine - held:
            # The answer to the claim was lost on its way: nobody would ever start it.
            if isinstance(claim, BuildClaim):
                build_claims.release(connection, claim)
            elif not claiming.release(connection, claim):  # somebody wants it to stop
                finishing.finish(connection, claim, NEVER_BEGUN, now)
    shop.keeper.beat(sent_at)
    watch.asked(time.monotonic())
    for hand in list(hands.values()):
        if hand.claim not in mine and hand.ended is None and not hand.stopping:
            logs.warning("claim.lost", key=hand.key)
            stop(shop, hands, hand, "cancel")
