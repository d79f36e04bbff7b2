"""Reads a whole cron expression: a Schedule, or every mistake in it at once."""

import unicodedata
from functools import lru_cache

from hexasched.domain.cron_fields import FIELDS, LONGEST_MONTH, Mistake, Schedule, Term, build_schedule
from hexasched.domain.cron_mistakes import (
    foreign_characters,
    in_field,
    is_plain,
    never,
    printable,
    too_long,
    whole,
    wrong_count,
)
from hexasched.domain.cron_terms import read_term
from hexasched.domain.limits import MAX_EXPRESSION_CHARS

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


def parse(text: str) -> Schedule | tuple[Mistake, ...]:
    """The schedule that `text` stands for, or all that is wrong with it (never empty).

    Accepts five fields or one of MACROS, with the meaning of Debian's cron. Takes any text whatever; parsing the
    same text again costs a look-up.
    """
    return (too_long(text),) if len(text) > MAX_EXPRESSION_CHARS else _parse(text)


@lru_cache(maxsize=16384)
def _parse(text: str) -> Schedule | tuple[Mistake, ...]:
    if not all(is_plain(character) or character == "\t" for character in text):
        return (foreign_characters(text, _in_ascii(text)),)
    words = text.split()
    if not words:
        return (whole(text, "Write a schedule, for example `0 9 * * *` for every day at 09:00."),)
    if words[0].startswith("@"):
        return _macro(words)
    if len(words) != len(FIELDS):
        return (_six_fields(words) or wrong_count(words),)
    return _fields(words)


def _in_ascii(text: str) -> str | None:
    """The same on one line in ASCII, if that is a schedule: full-width digits and odd blanks come with a paste."""
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    mended = plain.isascii() and plain.isprintable() and isinstance(parse(plain), Schedule)
    return plain if mended else None


def _macro(words: list[str]) -> Schedule | tuple[Mistake, ...]:
    name, text = words[0].lower(), " ".join(words)
    if name == "@reboot":
        return (whole(text, "`@reboot` is not supported: HexaSched runs by the clock."),)
    if name not in MACROS:
        known = ", ".join(MACROS)
        return (whole(text, f"`{printable(words[0])}` is unknown. Use 5 fields or one of {known}."),)
    if text != name:
        return (whole(text, f"Write `{name}`, alone and in small letters.", name),)
    return _fields(MACROS[name].split())


def _six_fields(words: list[str]) -> Mistake | None:
    """Six fields have the seconds in front (Quartz), or a user or command behind (a system's crontab)."""
    if len(words) != len(FIELDS) + 1:
        return None
    plain = ["*" if word == "?" else word for word in words]
    for fields, why in ((plain[1:], "HexaSched has no seconds field."), (plain[:-1], "A schedule has 5 fields.")):
        if isinstance(_fields(fields), Schedule):
            better = " ".join(fields)
            return whole(" ".join(words), f"{why} Did you mean `{better}`?", better)
    return None


def _fields(words: list[str]) -> Schedule | tuple[Mistake, ...]:
    read = [[read_term(field, term) for term in word.split(",")] for field, word in zip(FIELDS, words, strict=True)]
    mistakes = tuple(
        in_field(words, place, index, complaint)
        for place, terms in enumerate(read)
        for index, term in enumerate(terms)
        if not isinstance(term, Term)
        for complaint in term
    )
    if mistakes:
        return tuple({mistake.reason: mistake for mistake in reversed(mistakes)}.values())[::-1]  # each thing once
    schedule = build_schedule(tuple(tuple(term for term in terms if isinstance(term, Term)) for terms in read))
    return schedule if _ever(schedule) else (never(words[2], schedule),)


def _ever(schedule: Schedule) -> bool:
    """Whether any year has such a date; where the weekday alone is enough, every year has."""
    return not schedule.both_days or any(schedule.days[0] <= LONGEST_MONTH[month - 1] for month in schedule.months)
