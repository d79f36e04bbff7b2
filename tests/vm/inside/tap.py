"""Checks as lines on the console: "ok 1 - a sentence", "not ok 2 - a sentence", what was seen as "# …"."""

import re
import time
import traceback
from collections.abc import Callable

_counted = {"ok": 0, "not ok": 0}
_BEGAN = time.monotonic()


class NotSoError(Exception):
    """A check does not hold; the text says what was seen."""


def check(sentence: str, body: Callable[[], object]) -> None:
    """Run `body`; the check holds if it raises nothing. A text that it returns is shown."""
    began = time.monotonic()
    try:
        seen, verdict = body(), "ok"
    except NotSoError as error:
        seen, verdict = str(error), "not ok"
    except Exception:  # noqa: BLE001 - whatever went wrong is this check's failure, and the next one is still wanted
        seen, verdict = traceback.format_exc(), "not ok"
    _counted[verdict] += 1
    print(f"{verdict} {sum(_counted.values())} - {sentence} ({time.monotonic() - began:.1f} s)", flush=True)
    if isinstance(seen, str):
        note(seen)


def note(text: str) -> None:
    """Show `text` line by line, without colours and other control characters."""
    for line in text.rstrip().splitlines():
        print("#   " + re.sub(r"\x1b\[[0-9;]*m|[\x00-\x08\x0b-\x1f\x7f]", "", line), flush=True)


def title(text: str) -> None:
    """Begin a part."""
    print(f"# == {text}", flush=True)


def done() -> None:
    """The last line, without which the whole counts as failed."""
    print(f"done: {_counted['ok']} ok, {_counted['not ok']} not ok, {time.monotonic() - _BEGAN:.0f} s", flush=True)


def expect(holds: object, seen: object) -> None:
    """Raise NotSoError with `seen` unless `holds`."""
    if not holds:
        raise NotSoError(str(seen))
