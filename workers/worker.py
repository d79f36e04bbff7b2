"""One worker: a single-threaded loop that claims, hands to the keeper, ships logs, beats, and finishes."""

import contextlib
import selectors
import time
from datetime import UTC, datetime
from typing import Literal

from hexasched import doorbell, failpoints, logs
from hexasched.domain.limits import HEARTBEAT_S, POLL_S
from hexasched.domain.outcomes import Outcome, Reason, Status
from hexasched.doorbell import Doorbell
from hexasched.errors import StoreBusyError
from hexasched.store import builds, claiming, holding, workers
from hexasched.store import logs as stored_logs
from hexasched.store.builds import BuildClaim
from hexasched.store.claiming import Claim
from hexasched.store.database import Connection
from sandbox.client import KeeperGoneError
from sandbox.jobs import Asked, Finished, Message, Output, Started
from workers import chores, in_use
from workers.asking import Question, answer_all
from workers.claiming import claim_work, start_claimed
from workers.ending import end_all
from workers.hand import Hands, InHand
from workers.reaper import Reaper
from workers.shipping import new_chunks
from workers.shop import Shop
from workers.warming import Warming
from workers.watch import KeeperWatch

SHIP_EVERY_S = 0.1


class Worker:
    """The loop and what it has in hand. Every step may be repeated: rows are guarded by fences."""

    def __init__(self, shop: Shop, bell: Doorbell, reaper: Reaper) -> None:
        self._shop = shop
        self._bell = bell
        self._reaper = reaper
        self._warming = Warming(shop)
        self._hands: Hands = {}
        self._questions: list[Question] = []
        self._watch = KeeperWatch()
        self._next_beat = self._next_ship = self._next_poll = self._next_chores = self._next_cleaning = 0.0
        self._draining = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(shop.keeper.fileno(), selectors.EVENT_READ)
        self._selector.register(bell.fileno(), selectors.EVENT_READ)
        self._selector.register(shop.helper.fileno(), selectors.EVENT_READ)

    @property
    def idle(self) -> bool:
        """Whether nothing is in hand."""
        return not self._hands

    def wake_on(self, descriptor: int) -> None:
        """Let a wait end when `descriptor` can be read; whoever gave it empties it."""
        self._selector.register(descriptor, selectors.EVENT_READ)

    def step(self) -> None:
        """Wait until something is to be done, and do it. Raises KeeperGoneError if the keeper died or hangs."""
        self._selector.select(self._patience())
        self._bell.clear()
        self._shop.helper.clear()
        for message in self._shop.keeper.messages():
            self._hear(message)
        if self._watch.is_mute(time.monotonic(), self._shop.keeper.heard_at):
            raise KeeperGoneError("the keeper does not answer")
        try:
            self._work()
        except StoreBusyError as error:
            # Nothing is lost: what is in hand stays there, and the keeper ends it if this lasts a whole lease.
            logs.warning("store.busy", error=error)
            self._next_beat = self._next_poll = self._next_ship = time.monotonic() + POLL_S

    def drain(self) -> None:
        """Take no more work."""
        self._draining = True
        with contextlib.suppress(StoreBusyError), self._shop.database.writing() as connection:
            workers.set_draining(connection, self._shop.worker_id)

    def stop_all(self) -> None:
        """End what is still in hand: runs get a replacement, builds go back to the queue."""
        for hand in list(self._hands.values()):
            if not hand.stopping and (hand.ended is None or hand.preparing is not None):
                self._stop(hand, "drain")

    def _work(self) -> None:
        now = time.monotonic()
        if now >= self._next_beat:
            self._beat()
            self._next_beat = now + HEARTBEAT_S
        self._mark_started()
        answer_all(self._shop, self._questions)
        end_all(self._shop, self._hands)
        if now >= self._next_ship:
            self._ship()
            self._next_ship = now + SHIP_EVERY_S
        self._pass_on_cancels()
        if not self._draining:
            claim_work(self._shop, self._hands)
        start_claimed(self._shop, self._hands, self._warming)
        if now >= self._next_poll:
            self._reaper.sweep()
            if not self._draining:
                self._warming.look(datetime.now(UTC))
            self._next_poll = now + POLL_S
        if now >= self._next_chores:
            chores.tidy(self._shop.database, datetime.now(UTC))
            self._next_chores = now + chores.EVERY_S
        if now >= self._next_cleaning:
            self._shop.helper.submit(in_use.remove_unused, self._shop.data_dir, datetime.now(UTC))
            self._next_cleaning = now + in_use.EVERY_S

    def _patience(self) -> float:
        due = min(self._next_beat, self._next_poll)
        if any(hand.grown for hand in self._hands.values()):
            due = min(due, self._next_ship)
        return max(0.0, due - time.monotonic())

    def _hear(self, message: Message) -> None:
        hand = self._hands.get(message.key)
        if hand is None:
            return
        match message:
            case Started():
                hand.started = True
            case Output():
                hand.grown = True
            case Asked() if isinstance(hand.claim, Claim):
                self._questions.append(Question(job_key=hand.key, claim=hand.claim, request=message.request))
            case Finished():
                hand.ended = message.outcome

    def _beat(self) -> None:
        failpoints.reach("hb.before")
        sent_at = time.monotonic()
        held = {hand.claim for hand in self._hands.values()}
        with self._shop.database.writing() as connection:
            mine: set[Claim | BuildClaim] = set(holding.beat(connection, self._shop.worker_id, datetime.now(UTC)))
            mine |= builds.beat(connection, self._shop.worker_id)
            for claim in mine - held:
                # The answer to the claim was lost on its way: nobody would ever start it.
                if isinstance(claim, Claim):
                    claiming.release(connection, claim)
                else:
                    builds.release(connection, claim)
        self._shop.keeper.beat(sent_at)
        self._watch.asked(time.monotonic())
        for hand in self._hands.values():
            if hand.claim not in mine and hand.ended is None and not hand.stopping:
                logs.warning("claim.lost", key=hand.key)
                self._stop(hand, "cancel")

    def _mark_started(self) -> None:
        fresh = [hand for hand in self._hands.values() if hand.started and not hand.marked and hand.ended is None]
        claims = [hand.claim for hand in fresh if isinstance(hand.claim, Claim)]
        if claims:
            with self._shop.database.writing() as connection:
                for claim in claims:
                    holding.mark_started(connection, claim, datetime.now(UTC))
            doorbell.ring(self._shop.data_dir, doorbell.DONE)
        for hand in fresh:
            hand.marked = True

    def _ship(self) -> None:
        grown = [hand for hand in self._hands.values() if hand.grown]
        if not grown:
            return
        with self._shop.database.writing() as connection:
            read = [(hand, self._append(connection, hand)) for hand in grown]
        for hand, offset in read:
            hand.shipped, hand.grown, hand.unsure = offset, False, False
        failpoints.reach("log.after_ship")
        doorbell.ring(self._shop.data_dir, doorbell.DONE)

    def _append(self, connection: Connection, hand: InHand) -> int:
        """Ship what is new; the offset behind it. After a commit of which nobody heard, the database knows how far."""
        fence, start = hand.claim.fence, hand.shipped
        if hand.unsure:
            start = max(start, stored_logs.end(connection, hand.kind, hand.parent_id, fence) - hand.log_base)
        hand.unsure = True
        chunks, offset = new_chunks(hand.spool, fence, start, hand.log_base)
        stored_logs.append(connection, hand.kind, hand.parent_id, chunks)
        return offset

    def _pass_on_cancels(self) -> None:
        running = [hand for hand in self._hands.values() if hand.build is None and not hand.stopping]
        if not running:
            return
        with self._shop.database.reading() as connection:
            wanted = dict(holding.to_cancel(connection, self._shop.worker_id))
        for hand in running:
            if isinstance(hand.claim, Claim) and hand.claim in wanted and hand.ended is None:
                self._stop(hand, "replaced" if wanted[hand.claim] is Reason.REPLACED else "cancel")

    def _stop(self, hand: InHand, cause: Literal["cancel", "replaced", "drain"]) -> None:
        hand.stopping = True
        if hand.ended is not None:
            return  # a build between two stages: it is given back when its helper is done
        if hand.submitted:
            self._shop.keeper.stop(hand.key, cause)
        elif cause != "drain":
            reason = Reason.REPLACED if cause == "replaced" else Reason.USER
            hand.ended = Outcome(status=Status.CANCELLED, reason=reason)
        else:
            self._give_back(hand)

    def _give_back(self, hand: InHand) -> None:
        """What the keeper never got is queued again, as if it had not been claimed."""
        with self._shop.database.writing() as connection:
            if isinstance(hand.claim, Claim):
                claiming.release(connection, hand.claim)
            else:
                builds.release(connection, hand.claim)
        del self._hands[hand.key]
