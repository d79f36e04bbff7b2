"""Puts *** in the place of secret values, in whole texts and in streams that come in pieces."""

from collections.abc import Iterable

from sandbox.secret_forms import LEAST_CHARS, forms_of

MASK = b"***"
ANCHOR_BYTES = 4  # no form is shorter
MAX_TRIES = 64  # to be exact where a value overlaps itself; such a text is no common one, and time must stay linear

Span = tuple[int, int]


class Masker:
    """Finds the forms of some secret values in time that is linear in the text, however many they are.

    One pass tells which forms have their first and last four bytes in the text. Only those are looked for, by
    bytes.find, which is linear for each.
    """

    def __init__(self, values: Iterable[str]) -> None:
        """`values` are of LEAST_CHARS or more; shorter ones are not masked."""
        forms = forms_of(values)
        self._forms: dict[int, list[tuple[bytes, int]]] = {}  # by the first bytes: the form, its last bytes
        for form in forms:
            self._forms.setdefault(_number(form[:ANCHOR_BYTES]), []).append((form, _number(form[-ANCHOR_BYTES:])))
        self._anchors = self._forms.keys() | {_number(form[-ANCHOR_BYTES:]) for form in forms}
        self._beginnings = {form[:size] for form in forms for size in range(1, ANCHOR_BYTES)}

    def look(self, data: bytes) -> tuple[list[Span], int]:
        """The spans of `data` that are secret, in order and apart; and where its tail that may become one begins."""
        if not self._forms:
            return [], len(data)
        anchors = self._anchors_in(data)
        begun = [entry for number in anchors for entry in self._forms.get(number, ())]
        spans = _spans(data, [form for form, end in begun if end in anchors])
        return _joined(spans), self._undecided(data, [form for form, _ in begun])

    def mask(self, data: bytes) -> bytes:
        """`data` with *** for each secret span."""
        stream = MaskedStream(self)
        return stream.feed(data) + stream.finish()

    def text(self, text: str) -> str:
        """The same for a text; a value that was cut off (… follows) is masked as far as it goes."""
        *cut, rest = self.mask(text.encode("utf-8", "surrogatepass")).split("…".encode())
        return "…".encode().join([*map(self._without_beginning, cut), rest]).decode("utf-8", "surrogatepass")

    def _without_beginning(self, data: bytes) -> bytes:
        _, begins = self.look(data)
        return data[:begins] + MASK if len(data) - begins >= LEAST_CHARS else data

    def _anchors_in(self, data: bytes) -> set[int]:
        found: set[int] = set()
        view = memoryview(data)
        for start in range(ANCHOR_BYTES):
            end = start + max(0, len(data) - start) // ANCHOR_BYTES * ANCHOR_BYTES
            found |= self._anchors.intersection(view[start:end].cast("I"))
        return found

    def _undecided(self, data: bytes, forms: list[bytes]) -> int:
        begins = len(data)
        for size in range(1, min(ANCHOR_BYTES, len(data) + 1)):
            if data[-size:] in self._beginnings:
                begins = len(data) - size
        for form in forms:
            begins = min(begins, _beginning(data, form, begins))
        return begins


class MaskedStream:
    """One stream, in pieces: what can't be the beginning of a value any more is passed on at once."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held = b""
        self._covered = 0  # so many bytes of what is held belong to a span whose *** is passed on already

    def feed(self, piece: bytes) -> bytes:
        """The stream's next piece; returns what is decided."""
        data = self._held + piece
        spans, end = self._masker.look(data)
        return self._pass_on(data, spans, end)

    def finish(self) -> bytes:
        """What was held back; the stream has ended."""
        return self._pass_on(self._held, self._masker.look(self._held)[0], len(self._held))

    def _pass_on(self, data: bytes, spans: list[Span], end: int) -> bytes:
        parts, done = [], self._covered
        for start, stop in spans:
            if start >= end:
                break
            if start >= done:
                parts += [data[done:start], MASK]
            done = max(done, stop)
        parts.append(data[done:end])
        self._held, self._covered = data[end:], max(0, done - end)
        return b"".join(parts)


def _number(anchor: bytes) -> int:
    return memoryview(anchor).cast("I")[0]


def _spans(data: bytes, forms: list[bytes]) -> list[Span]:
    found = []
    for form in forms:
        at, tries = data.find(form), 0
        while at >= 0:
            found.append((at, at + len(form)))
            tries += 1
            at = data.find(form, at + (1 if tries < MAX_TRIES else len(form)))
    return found


def _joined(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, stop in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return joined


def _beginning(data: bytes, form: bytes, before: int) -> int:
    """Where `data` ends in the beginning of `form`, if that is before `before`; else `before`."""
    anchor = form[:ANCHOR_BYTES]
    at = data.find(anchor, max(0, len(data) - len(form) + 1))
    for _ in range(MAX_TRIES):
        if not 0 <= at < before:
            return before
        if form.startswith(data[at:]):
            return at
        at = data.find(anchor, at + 1)
    return min(at, before) if at >= 0 else before
