"""When a request that comes in pieces is whole."""

import pytest

from web.arriving import MAX_HEAD_BYTES, Arriving

POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
WHOLE = (
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    POST + b"Content-Length: 5\r\n\r\nab\r\nc",
    POST + b"content-length:\t0 \r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\na\r\n0b\r\n0\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n",
)


@pytest.mark.parametrize("request_text", WHOLE)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_it_is_whole_with_its_last_byte_and_not_before(request_text: bytes, size: int) -> None:
    arriving = Arriving()
    for start in range(0, len(request_text), size):
        assert not arriving.whole
        arriving.add(request_text[start : start + size])
        assert arriving.wrong == ""
    assert arriving.whole


def test_a_body_that_is_too_large_is_not_waited_for() -> None:
    arriving = Arriving()
    arriving.add(POST + b"Content-Length: 999999999999\r\n\r\n")
    assert arriving.whole


def test_it_tells_what_no_request_begins_with() -> None:
    endless, other = Arriving(), Arriving()
    endless.add(b"GET /" + b"a" * MAX_HEAD_BYTES)
    other.add(b"\x16\x03\x01")
    assert (endless.wrong[:3], other.wrong[:3]) == ("431", "400")


def test_it_knows_who_waits_for_a_word() -> None:
    arriving = Arriving()
    arriving.add(POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    assert arriving.wants_word and not arriving.whole
