"""Two streams become one again."""

from collections import deque
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.interleave import Channel, Interleaver

Writes = list[tuple[Channel, bytes]]


def nothing(_channel: Channel, _most: int) -> bytes:
    """A pipe in which nothing is."""
    return b""


def merged(order: Interleaver, out: bytes, err: bytes, more: Callable[[Channel, int], bytes] = nothing) -> Writes:
    """What merge yields for these bytes."""
    return list(order.merge(bytearray(out), bytearray(err), more))


def test_announced_bytes_come_in_the_announced_order() -> None:
    order = Interleaver()
    for channel, count in (("o", 1), ("e", 2), ("o", 1)):
        order.announce("o" if channel == "o" else "e", count)
    assert merged(order, b"13", b"22") == [("o", b"1"), ("e", b"22"), ("o", b"3")]


def test_bytes_that_nobody_announced_come_at_once() -> None:
    assert merged(Interleaver(), b"out", b"err") == [("o", b"out"), ("e", b"err")]


def test_bytes_that_are_still_in_the_other_pipe_are_fetched() -> None:
    order = Interleaver()
    order.announce("e", 3)
    order.announce("o", 3)
    assert merged(order, b"out", b"", lambda channel, most: b"err") == [("e", b"err"), ("o", b"out")]


def test_an_announcement_that_was_a_lie_holds_nothing_back() -> None:
    order = Interleaver()
    order.announce("e", 3)
    assert merged(order, b"out", b"") == [("o", b"out")]
    assert merged(order, b"", b"err") == [("e", b"err")]


def test_a_write_that_arrives_in_parts_keeps_its_place() -> None:
    order = Interleaver()
    order.announce("o", 6)
    order.announce("e", 3)
    assert merged(order, b"abc", b"") == [("o", b"abc")]
    assert merged(order, b"def", b"err") == [("o", b"def"), ("e", b"err")]


class Talker:
    """A process that announces and writes; it goes on when somebody looks into a pipe, as far as `pace` says."""

    def __init__(self, writes: Writes, pace: list[int]) -> None:
        self.announced: list[tuple[Channel, int]] = []
        self.pipes = {"o": bytearray(), "e": bytearray()}
        self._steps = deque(step for channel, data in writes for step in ((channel, len(data)), (channel, data)))
        self._pace = deque(pace)

    @property
    def over(self) -> bool:
        """Whether it has nothing more to say."""
        return not self._steps

    def read(self, channel: Channel, most: int = 1000) -> bytes:
        """What is in a pipe, after a while."""
        self._go_on()
        data = bytes(self.pipes[channel][:most])
        del self.pipes[channel][:most]
        return data

    def listen(self, order: Interleaver) -> None:
        """Pass on what it has announced, after a while."""
        self._go_on()
        for channel, count in self.announced:
            order.announce(channel, count)
        self.announced.clear()

    def _go_on(self) -> None:
        for _ in range(self._pace.popleft() if self._pace else len(self._steps)):
            if self._steps:
                channel, said = self._steps.popleft()
                if isinstance(said, int):
                    self.announced.append((channel, said))
                else:
                    self.pipes[channel] += said


CHANNELS = st.sampled_from(["o", "e"])
PACE = st.lists(st.integers(0, 5), max_size=60)


@settings(database=None, max_examples=500)
@given(st.lists(st.tuples(CHANNELS, st.binary(min_size=1, max_size=5))), PACE)
def test_the_order_is_exact_however_the_process_and_its_reader_take_turns(writes: Writes, pace: list[int]) -> None:
    order, process, found = Interleaver(), Talker(writes, pace), bytearray()
    for _ in range(len(pace) + 2):
        err, out = bytearray(process.read("e")), bytearray(process.read("o"))
        process.listen(order)
        found += b"".join(data for _, data in order.merge(out, err, process.read))
    assert process.over
    assert found == b"".join(data for _, data in writes)


@settings(database=None)
@given(
    st.lists(st.tuples(CHANNELS, st.binary(min_size=1, max_size=5))), st.lists(st.tuples(CHANNELS, st.integers(0, 9)))
)
def test_nothing_is_lost_and_each_stream_keeps_its_order(writes: Writes, lies: list[tuple[Channel, int]]) -> None:
    order = Interleaver()
    for channel, count in lies:
        order.announce(channel, count)
    whole = {name: b"".join(data for channel, data in writes if channel == name) for name in ("o", "e")}
    result = merged(order, whole["o"], whole["e"])
    assert whole == {name: b"".join(data for channel, data in result if channel == name) for name in ("o", "e")}


@settings(database=None)
@given(st.lists(st.tuples(CHANNELS, st.binary(min_size=1, max_size=5))))
def test_honest_announcements_give_the_exact_order(writes: Writes) -> None:
    order = Interleaver()
    out, err = (b"".join(data for channel, data in writes if channel == name) for name in ("o", "e"))
    for channel, data in writes:
        order.announce(channel, len(data))
    joined: Writes = []
    for channel, data in writes:
        same = joined and joined[-1][0] == channel
        joined[-1:] = [(channel, joined[-1][1] + data)] if same else [*joined[-1:], (channel, data)]
    assert merged(order, out, err) == joined
