"""The worst that a person or a program can write as a schedule is refused at once, with a short message."""

import time
from datetime import UTC, datetime

import pytest

from hexasched.domain.cron_job_inputs import Typed, check
from hexasched.domain.schedules import preview

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DEADLINE_S = 0.1
"""Of the processor, so that a busy machine changes nothing: ten times the median of the slowest one here."""

WORST = {
    "a million characters": ("* " * 500_000, "at most 256 characters"),
    "a number of a million digits": ("9" * 1_000_000, "at most 256 characters"),
    "a list of a thousand items": (",".join(["1"] * 1000) + " * * * *", "at most 256 characters"),
    "characters that become eighteen": ("\ufdfa" * 256, "plain ASCII"),
    "two lines": ("0 0 * * *\n0 0 * * *", "plain ASCII on one line"),
    "half a character": ("\ud800" * 200, "plain ASCII"),
    "never": ("0 0 30 2 *", "30 February does not exist"),
    "250 times nothing": (" ".join([","] * 5).replace(",", "," * 49), "a comma with nothing before or after it"),
    "80 times the same mistake": (",".join(["99"] * 80) + " * * * *", "you wrote 99"),
    "60 ranges that run backwards": (",".join(["5-1"] * 60) + " * * * *", "runs backwards"),
    "an interval without an end": ("every 1 minutes from " + "9" * 200, "can't be read"),
}


@pytest.mark.parametrize("name", WORST)
def test_it_is_refused_at_once_with_a_short_message_that_form_and_preview_share(name: str) -> None:
    expression, said = WORST[name]
    begun = time.process_time()
    found = preview(expression, "UTC", NOW, 5)
    took = time.process_time() - begun
    assert isinstance(found, tuple)
    message = " ".join(mistake.reason for mistake in found)
    assert said in message and len(message) < 1000
    assert took < DEADLINE_S
    checked = check(Typed(function="hello", expression=expression, timezone="UTC"), {"hello": True}, NOW, 5)
    assert checked.errors["expression"] == message
