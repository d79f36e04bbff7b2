"""Secret values are masked in all the forms in which programs write them, wherever a stream is cut into pieces."""

import base64
import json
import re
import time
import urllib.parse
from dataclasses import astuple
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hexasched.domain.outcomes import ErrorDetail, Outcome, Reason, Status
from sandbox.mask import MaskedStream, Masker
from sandbox.mask_outcome import masked_json, masked_outcome
from sandbox.secret_forms import forms_of

VALUE = 'p@ss"w\\rd über/+&=x 1'
KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n"

# Without the star, from which a value could be made up again, and with few letters, so that much coincides.
letters = st.characters(codec="utf-8", exclude_characters="*\0")
secrets = st.text(st.one_of(letters, st.sampled_from('ab/+ \n"\\')), min_size=4, max_size=40)


def in_pieces(masker: Masker, data: bytes, cuts: list[int]) -> bytes:
    """What a stream becomes that comes cut at these places."""
    stream, done = MaskedStream(masker), b""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(places):
        done += stream.feed(data[start:end])
    return done + stream.finish()


@st.composite
def spoken(draw: st.DrawFn) -> tuple[list[str], bytes]:
    """Some secrets, and a text with some of their forms in it."""
    values = draw(st.lists(secrets, min_size=1, max_size=4))
    forms = sorted(forms_of(values)) or [b"none"]
    halves = st.sampled_from(forms).map(lambda form: form[: len(form) // 2])
    pieces = st.one_of(st.sampled_from(forms), halves, st.text(letters, max_size=10).map(str.encode))
    return values, b"".join(draw(st.lists(pieces, max_size=8)))


@settings(max_examples=150, deadline=None)
@given(spoken(), st.lists(st.integers(0, 10_000), max_size=8))
@example((["abcdef", "efghij"], b"xabcdefghijx"), [7])
@example((["aabaab"], b"aabaabaabaabaab"), [1, 2, 3, 4, 5, 6, 7, 8])
def test_no_secret_is_left_however_the_text_is_cut(case: tuple[list[str], bytes], cuts: list[int]) -> None:
    values, text = case
    masker = Masker(values)
    masked = in_pieces(masker, text, cuts)
    assert not [form for form in forms_of(values) if form in masked]
    assert masked == masker.mask(text)


@settings(max_examples=100, deadline=None)
@given(st.lists(secrets, max_size=4), st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8))
def test_a_text_without_secrets_stays_as_it_is(values: list[str], text: bytes, cuts: list[int]) -> None:
    if not any(form in text for form in forms_of(values)):
        assert in_pieces(Masker(values), text, cuts) == text


def written(value: str) -> dict[str, str]:
    """How programs write a value."""
    data, quoted = value.encode(), urllib.parse.quote(value, safe="-_.!~*'()")
    encoded = [base64.b64encode(data[cut:]).decode() for cut in (0, 1, 2)]
    return {
        "as it is": value,
        "encodeURIComponent": quoted,
        "lower percents": re.sub("%..", lambda found: found[0].lower(), quoted),
        "encodeURI": urllib.parse.quote(value, safe="-_.!~*'();/?:@&=+$,#"),
        "a form": urllib.parse.quote_plus(value, safe="*-._"),
        "JSON": json.dumps(value, ensure_ascii=False),
        "JSON in JSON": json.dumps(json.dumps(value, ensure_ascii=False), ensure_ascii=False),
        "base64": encoded[0],
        "base64 for URLs": encoded[0].replace("+", "-").replace("/", "_"),
        "base64 behind one byte": base64.b64encode(b":" + data + b":").decode(),
        "base64 behind two bytes": base64.b64encode(b"u:" + data + b":").decode(),
    }


@pytest.mark.parametrize("form", sorted(written(VALUE)))
def test_each_form_of_a_value_is_masked(form: str) -> None:
    text = written(VALUE)[form]
    masked = Masker([VALUE]).text(f"before {text} after")
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    # Of base64 the characters at the ends stay, in which bits of the neighbours are.
    assert "***" in masked
    assert len(masked) <= len("before  after") + len("***") + 8


def test_each_long_line_of_a_value_is_masked() -> None:
    masker = Masker([KEY])
    assert masker.text("of MIIEvQIBADANBg and\r\nkqhkiG9w0BAQEF") == "of *** and\r\n***"
    assert masker.text(f"[{KEY}]") == "[***\n]"
    assert masker.text(json.dumps({"key": KEY})) == r'{"key": "***\n"}'


def test_short_values_are_not_masked() -> None:
    assert Masker(["abc", "", "  x  "]).text("abc x") == "abc x"


def test_only_what_may_begin_a_value_is_held_back() -> None:
    stream = MaskedStream(Masker(["sesame-street"]))
    assert stream.feed(b"open s") == b"open "
    assert stream.feed(b"o what\n") == b"so what\n"
    assert stream.feed(b"sesame-stree") == b""
    assert stream.feed(b"!") == b"sesame-stree!"
    assert (stream.feed(b"ses"), stream.feed(b"ame-street."), stream.finish()) == (b"", b"***.", b"")
    assert (stream.feed(b"sesame"), stream.finish()) == (b"", b"sesame")


def test_values_that_overlap_leave_nothing_of_each_other() -> None:
    assert Masker(["abcdef", "defghi"]).text("abcdefghi") == "***"


def test_a_value_at_a_cut_is_masked_as_far_as_it_goes() -> None:
    assert Masker(["sesame-street"]).text("'sesame…'...\nses… sesame") == "'***…'...\nses… sesame"


@pytest.mark.parametrize(
    ("result", "masked"),
    [
        ('{"a":["sesame"],"sesame":1}', '{"a":["***"],"***":1}'),
        ('{"n": 1.50, "m":12345, "l":99123450}', '{"n": 1.50, "m":"***", "l":"***"}'),
        (r'"C:\\sesame\\new"', r'"C:\\***\\new"'),
        ('{"ok":true,"is":"true"}', '{"ok":true,"is":"***"}'),
        (r'["\nabcde"]', '["***"]'),
        ('{"x":{"id":"key","live":true}}', '"***"'),
        (r'["\ud800sesame é"]', r'["\ud800*** \u00e9"]'),
        ('{"nothing": "here"}', '{"nothing": "here"}'),
    ],
)
def test_a_masked_result_is_still_json(result: str, masked: str) -> None:
    masker = Masker(["sesame", "12345", "true", "nabcde", '{"id":"key","live":true}'])
    assert masked_json(result, masker) == masked
    json.loads(masked)


@settings(max_examples=100, deadline=None)
@given(st.recursive(st.one_of(st.text(letters), st.integers(), st.booleans(), st.none()), st.lists), st.lists(secrets))
def test_any_masked_result_is_json_without_secrets(result: object, values: list[str]) -> None:
    text = json.dumps(result, ensure_ascii=False, separators=(",", ":"))
    masked = masked_json(text, Masker(values))
    json.loads(masked)
    if not {"true", "false", "null"} & {value.strip() for value in values}:
        assert not [form for form in forms_of(values) if form in masked.encode()]


def test_nothing_of_an_outcome_keeps_a_secret() -> None:
    said = "a sesame"
    error = ErrorDetail(type=said, message=said, stack=said, file=said, source_line=said, code=said, hint=said)
    outcome = Outcome(
        status=Status.FAILED,
        reason=Reason.ERROR,
        result='"sesame"',
        error=error,
        warnings=("sesame",),
        env_read=("sesame",),
        env_missing=("sesame",),
    )
    masked = masked_outcome(outcome, Masker(["sesame"]))
    assert "sesame" not in repr(astuple(masked))
    assert repr(masked).count("***") == 11


def test_many_long_secrets_do_not_hold_up_the_keeper() -> None:
    values = [f"http://{number:05}" + "a" * 16_000 + "b" + "a" * 16_000 for number in range(100)]
    stream = MaskedStream(Masker(values))
    began = time.process_time()
    for piece in (b"a" * 65536, b"http://00001aaaaaaaa\n" * 3000, values[7].encode(), b"http://" * 9000):
        stream.feed(piece)
    assert time.process_time() - began < 2
