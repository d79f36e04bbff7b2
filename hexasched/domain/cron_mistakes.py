"""The words for what is wrong with an expression as a whole."""

import unicodedata

from hexasched.domain.cron_fields import DAY, FIELDS, Mistake, Schedule
from hexasched.domain.cron_terms import Complaint
from hexasched.domain.cron_words import MONTH_NAMES, listed
from hexasched.domain.limits import MAX_EXPRESSION_CHARS

SHAPE = "5 fields: minute, hour, day of month, month, weekday"
SHOWN_CHARS = 60
NAMED_CHARACTERS = 3


def whole(text: str, reason: str, suggestion: str | None = None) -> Mistake:
    """A mistake that no single field has."""
    return Mistake(field="schedule", written=printable(text), reason=reason, allowed=SHAPE, suggestion=suggestion)


def too_long(text: str) -> Mistake:
    """Refuses a text before anything else looks at it."""
    reason = f"A schedule has at most {MAX_EXPRESSION_CHARS} characters; this one has {len(text):,}."
    return whole(text, f"{reason} Split it into several CronJobs.")


def foreign_characters(text: str, suggestion: str | None) -> Mistake:
    """Names the characters that are neither printable ASCII nor blank nor tab."""
    found = dict.fromkeys(one for one in text if one != "\t" and not is_plain(one))
    names = [f"U+{ord(one):04X} ({unicodedata.name(one, 'a control character').lower()})" for one in found]
    more = [f"{len(names) - NAMED_CHARACTERS} more"] if len(names) > NAMED_CHARACTERS else []
    reason = f"A schedule is plain ASCII on one line. Remove {listed(names[:NAMED_CHARACTERS] + more)}."
    return whole(text, reason, suggestion)


def wrong_count(words: list[str]) -> Mistake:
    """Refuses any number of fields but five."""
    return whole(" ".join(words), f"A schedule has {SHAPE}. This one has {len(words)}.")


def in_field(words: list[str], place: int, index: int, complaint: Complaint) -> Mistake:
    """The complaint about term `index` of field `place`, with the whole text mended in its suggestion."""
    field, terms = FIELDS[place], words[place].split(",")
    suggestion = None
    if complaint.better is not None:
        mended = ",".join([*terms[:index], complaint.better, *terms[index + 1 :]])
        suggestion = " ".join([*words[:place], mended, *words[place + 1 :]])
    return Mistake(
        field=field.name,
        written=printable(terms[index] or words[place]),
        reason=complaint.reason,
        allowed=field.allowed,
        suggestion=suggestion,
    )


def never(written: str, schedule: Schedule) -> Mistake:
    """Refuses dates that no year has."""
    dates = f"{listed(map(str, schedule.days))} {listed(MONTH_NAMES[month - 1] for month in schedule.months)}"
    verb = "do" if len(schedule.days) * len(schedule.months) > 1 else "does"
    return Mistake(
        field=DAY.name,
        written=printable(written),
        reason=f"{dates} {verb} not exist, so this would never run.",
        allowed="a day that one of the months has",
    )


def is_plain(character: str) -> bool:
    """Whether it is printable ASCII or a blank."""
    return " " <= character <= "~"


def printable(text: str) -> str:
    """`text` in printable ASCII, cut to 60 characters; other characters as their code points."""
    shown = "".join(one if is_plain(one) else f"<U+{ord(one):04X}>" for one in text[: SHOWN_CHARS + 1])
    return shown if len(shown) <= SHOWN_CHARS else f"{shown[: SHOWN_CHARS - 3]}..."
