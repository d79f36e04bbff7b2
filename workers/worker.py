"""One worker: a single-threaded loop that claims, hands to the keeper, ships logs, beats, and finishes."""

import contextlib
import selectors
import time
from datetime import UTC, datetime

from hexasched import logs
from hexasched.domain.limits import HEARTBEAT_S, POLL_S
from hexasched.doorbell import Doorbell
from hexasched.errors import StoreBusyError
from hexasched.store import workers
from hexasched.store.claiming import Claim
from sandbox.client import KeeperGoneError
from sandbox.jobs import Asked, Finished, Message, NotPreloaded, Output, Started
from workers import chores, in_use, stopping
from workers.asking import Question, answer_all
from workers.beating import beat
from workers.claiming import claim_work, start_claimed, start_waiting
from workers.ending import end_all
from workers.hand import Hands
from workers.reaper import Reaper
from workers.returning import give_back_due
from workers.shop import Shop
from workers.telling import anything_new, tell
from workers.warming import Warming
from workers.watch import KeeperWatch

TELL_AFTER_S = 0.05
"""What starts, prints or ends is first told so much later: a run that is over by then is written once."""

TELL_EVERY_S = 0.1
NEVER = float("inf")


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
        self._next_beat = self._next_poll = self._next_chores = self._next_cleaning = 0.0
        self._tell_at, self._told_at = NEVER, 0.0
        self._is_rung = self._has_room = self._is_more = False
        self._draining = self._stopping = False
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
        self._is_rung |= self._bell.clear()
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
            self._next_beat = self._next_poll = self._tell_at = time.monotonic() + POLL_S

    def drain(self) -> None:
        """Take no more work, and begin with no run any more."""
        self._draining = True
        with contextlib.suppress(StoreBusyError), self._shop.database.writing() as connection:
            workers.set_draining(connection, self._shop.worker_id)

    def stop_all(self) -> None:
        """End what is still in hand and begin with nothing more; to be repeated until nothing is in hand."""
        self._stopping = True
        stopping.stop_all(self._shop, self._hands)

    def _work(self) -> None:
        now = time.monotonic()
        poll = now >= self._next_poll
        self._beat_if_due()
        if self._is_rung or poll:
            stopping.pass_on_cancels(self._shop, self._hands)
        answer_all(self._shop, self._questions)
        give_back_due(self._shop, self._hands, everything=self._draining)
        start_waiting(self._shop, self._hands)
        while end_all(self._shop, self._hands, refill=self._is_more and not self._draining):
            self._has_room = True
            self._beat_if_due()
        if now >= self._tell_at:
            tell(self._shop, self._hands)
            self._tell_at, self._told_at = NEVER, now
        self._look_at_the_queue(poll=poll)
        if not self._stopping:
            start_claimed(self._shop, self._hands, self._warming)
        if poll:
            self._reaper.sweep()
            if not self._draining:
                self._warming.look(datetime.now(UTC))
            self._next_poll = now + POLL_S
        self._do_chores(now)

    def _beat_if_due(self) -> None:
        now = time.monotonic()
        if now >= self._next_beat:
            beat(self._shop, self._hands, self._watch)
            self._next_beat = now + HEARTBEAT_S

    def _look_at_the_queue(self, *, poll: bool) -> None:
        """Only when something may be there: after a ring, where room was made, and each second to be safe."""
        if (self._is_rung or poll or self._has_room) and not self._draining:
            self._is_more = claim_work(self._shop, self._hands, rung=self._is_rung)
        self._is_rung = self._has_room = False

    def _do_chores(self, now: float) -> None:
        if now >= self._next_chores:
            chores.tidy(self._shop.database, datetime.now(UTC))
            self._next_chores = now + chores.EVERY_S
        if now >= self._next_cleaning:
            self._shop.helper.submit(in_use.remove_unused, self._shop.data_dir, datetime.now(UTC))
            self._next_cleaning = now + in_use.EVERY_S

    def _patience(self) -> float:
        if self._tell_at == NEVER and anything_new(self._hands.values()):
            self._tell_at = max(time.monotonic() + TELL_AFTER_S, self._told_at + TELL_EVERY_S)
        return max(0.0, min(self._next_beat, self._next_poll, self._tell_at) - time.monotonic())

    def _hear(self, message: Message) -> None:
        if isinstance(message, NotPreloaded):
            self._warming.could_not_preload(message)
        hand = self._hands.get(message.key)
        if hand is None:
            return
        match message:
            case Started():
                hand.started_at = datetime.now(UTC)
            case Output():
                hand.grown = True
            case Asked() if isinstance(hand.claim, Claim):
                self._questions.append(Question(job_key=hand.key, claim=hand.claim, request=message.request))
            case Finished():
                hand.ended = message.outcome
