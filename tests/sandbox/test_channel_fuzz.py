"""The result channel and the frames around it, against whatever bytes and values; every time the same."""

import json
import os
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexasched.domain.limits import MAX_JSON_DEPTH, MAX_RESULT_BYTES, Limits
from hexasched.domain.outcomes import REASONS, Status
from sandbox import wire
from sandbox.channel import _REASONS, MAX_FRAME_BYTES, Frame, ResultChannel, json_depth, parse_frame
from sandbox.classify import Evidence, outcome_of
from sandbox.control import ControlPipe, order_for
from sandbox.interleave import Channel
from sandbox.jobs import Finished, Job, Runtime
from sandbox.loop import Loop

NONCE = "0123456789abcdef0123456789abcdef"
seeded = settings(derandomize=True, max_examples=300, deadline=None, database=None)

lines = st.sampled_from(
    [b"R\n", b"O 5\n", b"E 12\n", b"O 999999999999\n", b"F 2\n{}", b"F 99999999\n", b"F 0\n", b"\n", b"F 7\n"]
)
streams = st.lists(lines | st.binary(max_size=40), max_size=12).map(b"".join)
texts = st.text(st.characters(exclude_categories=()), max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
errors = st.dictionaries(
    st.sampled_from(["type", "message", "stack", "file", "line", "column", "source_line", "code", "hint"]), values
)
missing = st.lists(st.fixed_dictionaries({"name": values, "file": values, "line": values}) | values, max_size=4)
frames = st.fixed_dictionaries(
    {"nonce": st.just(NONCE)},
    optional={
        "ok": st.booleans() | values,
        "reason": st.sampled_from(_REASONS) | texts,
        "result": texts | values,
        "error": errors | values,
        "warnings": st.lists(values) | values,
        "env_read": st.lists(values) | values,
        "env_missing": missing | values,
    },
)


def fed(stream: bytes, size: int) -> tuple[ResultChannel, list[tuple[Channel, int]]]:
    """A channel that has had `stream` in pieces of that size, and what it announced."""
    channel = ResultChannel(NONCE)
    told = [one for start in range(0, len(stream), size) for one in channel.feed(stream[start : start + size])]
    return channel, told


@seeded
@given(stream=streams, size=st.integers(1, 50))
def test_any_bytes_in_any_pieces_mean_the_same(stream: bytes, size: int) -> None:
    channel, told = fed(stream, size)
    whole, told_at_once = fed(stream, len(stream) or 1)
    assert (channel.ready, channel.mistake, channel.frame) == (whole.ready, whole.mistake, whole.frame)
    assert told == told_at_once
    assert channel.frame is None, "nobody knows the nonce"
    assert len(channel._pending) <= MAX_FRAME_BYTES


@seeded
@given(body=frames)
def test_whatever_is_in_a_frame_becomes_an_outcome_that_can_be_stored(body: dict[str, Any]) -> None:
    frame = parsed(json.dumps(body).encode())
    evidence = Evidence(
        mode="run",
        limits=Limits(),
        ready=True,
        frame=frame,
        mistake=None if frame else "no frame",
        cause=None,
        exit_code=0,
        signal=None,
        last_words=b"",
    )
    outcome = outcome_of(evidence)
    assert outcome.reason in REASONS[outcome.status]
    assert outcome.ok <= bool(frame and frame.ok)
    assert len((outcome.result or "").encode()) <= MAX_RESULT_BYTES
    told = json.dumps(asdict(outcome), ensure_ascii=False)
    told.encode()  # no half of a character
    assert "\\u0000" not in told
    message = Finished(key="run-1-1", size=0, outcome=outcome)
    assert wire.message_from_json(json.loads(json.dumps(wire.message_to_json(message)))) == message


def parsed(text: bytes) -> Frame | None:
    """The frame, or None if it is refused as it may be."""
    try:
        return parse_frame(text, NONCE)
    except (ValueError, RecursionError):
        return None


@seeded
@given(text=st.binary(max_size=200))
def test_a_frame_of_any_bytes_is_refused_or_read(text: bytes) -> None:
    assert parsed(text) is None


@seeded
@given(value=values, depth=st.integers(0, 200))
def test_nesting_is_never_told_too_low(value: Any, depth: int) -> None:
    text = json.dumps(value)
    real = json_depth(text)
    assert json_depth("[" * depth + text + "]" * depth) == depth + real
    assert json_depth("[" * depth + text) >= depth
    if isinstance(value, list | dict):
        assert real >= 1


@pytest.mark.parametrize("depth", [MAX_JSON_DEPTH * 10, 100_000])
def test_a_frame_that_is_nested_without_end_is_refused(depth: int) -> None:
    text = f'{{"nonce":"{NONCE}","ok":true,"reason":"ok","result":{"[" * depth}'
    assert parsed(text.encode()) is None


def written(order: dict[str, Any]) -> bytes:
    """What comes out at the other end of a control pipe."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    loop = Loop()
    pipe = ControlPipe(writing, loop, lambda: pipe.write())  # noqa: PLW0108 - it is not there yet
    pipe.say(order)
    while not pipe.idle:
        loop.turn(5)
    loop.close()
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        return answer.read()


@seeded
@given(event=values, env=st.dictionaries(texts, texts, max_size=4))
def test_the_control_frame_says_what_the_job_says(event: Any, env: dict[str, str]) -> None:
    runtime = Runtime(name="node24", label="Node.js 24", node="/node", version="24.0.0", npm_cli=None)
    job = Job(
        key="run-1-1",
        mode="run",
        runtime=runtime,
        code_dir="/code",
        handler="index.mjs",
        limits=Limits(),
        workspace="boats",
        event=event,
        env=env,
    )
    frame = written(order_for(job, NONCE))
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    told = json.loads(frame[4:])
    assert told["env"] == env
    assert json.dumps(told["event"]) == json.dumps(event)
    assert wire.job_from_json(json.loads(json.dumps(asdict(job)))).env == env


def test_a_success_needs_a_frame() -> None:
    for exit_code in (0, 1):
        evidence = Evidence(
            mode="run",
            limits=Limits(),
            ready=True,
            frame=None,
            mistake=None,
            cause=None,
            exit_code=exit_code,
            signal=None,
            last_words=b"",
        )
        assert outcome_of(evidence).status is Status.FAILED
