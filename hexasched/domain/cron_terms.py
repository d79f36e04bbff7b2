"""Reads one term of a cron field, such as `mon-fri` or `*/15`, and says in words what is wrong with it."""

import re
from dataclasses import dataclass

from hexasched.domain.cron_fields import DAY, HOUR, MONTH, WEEKDAY, Field, Term
from hexasched.domain.cron_words import MONTH_NAMES, WEEKDAY_NAMES

TERM = re.compile(r"(?:\*|([A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?)(?:/([0-9]+))?", re.ASCII)
QUARTZ = re.compile(r"((?:\d+|[a-z]{3})?L|L?W|WL|L-\d+|\d+W|.*#.*)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """Why a term is refused, and what to write in its place, if that can be told."""

    reason: str
    better: str | None = None


def read_term(field: Field, written: str) -> Term | list[Complaint]:
    """The term that `written` (printable ASCII, no comma, no blank) stands for, or all that is wrong with it."""
    match = TERM.fullmatch(written)
    if foreign := _foreign(field, written):
        return [foreign]
    if not match:
        return [_unreadable(field, written)]
    first, last, step = match.groups()
    ends = [field.low, field.high] if first is None else [_value(field, end) for end in (first, last or first)]
    numbers = [end for end in ends if isinstance(end, int)]
    complaints = list(dict.fromkeys(end for end in ends if isinstance(end, Complaint)))
    if step is not None and int(step) == 0:
        span = None if complaints else written.partition("/")[0]
        advice = f" Write `{span}`." if span else ""
        complaints.append(
            Complaint(reason=f"A step is at least 1; you wrote `{_short(written)}`.{advice}", better=span)
        )
    if complaints:
        return complaints
    start, stop = numbers
    if start > stop:
        return [_reversed(field, written, start, stop, int(step or 1))]
    if step is not None and first is not None and last is None:
        better = f"{first}-{field.high}/{step}"
        reason = f"A step needs `*` or a range before it; you wrote `{written}`. Write `{better}`."
        return [Complaint(reason=reason, better=better)]
    return Term(start=start, stop=stop, step=int(step or 1), star=first is None)


def _value(field: Field, word: str) -> int | Complaint:
    if word.isdigit():
        number = int(word)
        if field.low <= number <= field.high:
            return number
        midnight = field is HOUR and number == 24
        hint = " Midnight is hour 0." if midnight else ""
        return Complaint(
            reason=f"{field.title} must be {field.allowed}; you wrote {_short(word)}.{hint}",
            better="0" if midnight else None,
        )
    if word.lower() in field.names:
        return field.names.index(word.lower()) + field.low
    if not field.names:
        return Complaint(reason=f"{field.title} must be {field.allowed}; you wrote `{_short(word)}`.")
    meant = _name_meant(field, word.lower())
    hint = f" Did you mean `{meant}`?" if meant else ""
    return Complaint(reason=f"{field.title} `{_short(word)}` is unknown. Use {field.allowed}.{hint}", better=meant)


def _name_meant(field: Field, word: str) -> str | None:
    """The one name whose full word (Monday), or its plural, begins with `word`."""
    full = MONTH_NAMES if field is MONTH else WEEKDAY_NAMES[:-1]
    close = [name for name, whole in zip(field.names, full, strict=True) if f"{whole.lower()}s".startswith(word)]
    return close[0] if len(close) == 1 else None


def _foreign(field: Field, written: str) -> Complaint | None:
    """Syntax of other schedulers that has a meaning there and none here."""
    if "?" in written:
        return Complaint(reason="`?` is Quartz syntax. Write `*`.", better="*" if written == "?" else None)
    if field not in (DAY, WEEKDAY) or not QUARTZ.fullmatch(written):
        return None
    if "W" in written.upper() and "#" not in written:
        return Complaint(
            reason="`W` (nearest working day) is not supported. Write the day itself, for example `15`, "
            "or all working days with `1-5` as weekday."
        )
    if field is DAY:
        return Complaint(
            reason="`L` (last day of the month) is not supported. Write `28`, which every month has, "
            "or `1` to run when the month is over."
        )
    sign = "#" if "#" in written else "L"
    return Complaint(
        reason=f"`{sign}` (one certain week of the month) is not supported. "
        f"Write `{written.rstrip('lL').partition('#')[0] or '6'}` and let the function check the date."
    )


def _unreadable(field: Field, written: str) -> Complaint:
    if not written:
        return Complaint(reason=f"{field.title} has a comma with nothing before or after it. Remove the comma.")
    reason = (
        f"{field.title} `{_short(written)}` cannot be read. Write `*`, a value ({field.allowed}), a range with `-`, "
        "a list with `,`, or a step such as `*/2`."
    )
    return Complaint(reason=reason)


def _reversed(field: Field, written: str, start: int, stop: int, step: int) -> Complaint:
    """The corrected spelling goes on to the field's end and starts again at its beginning."""
    again = 1 if field is WEEKDAY else field.low  # a week that goes on past Saturday has its Sunday as 7
    better = ",".join(filter(None, (_span(start, field.high), _span(again, stop))))
    if step > 1:
        around = (*range(start, field.high + 1), *range(again, stop + 1))
        better = ",".join(str(value) for value in around[::step])
    return Complaint(reason=f"`{written}` runs backwards. Write `{better}`.", better=better)


def _span(start: int, stop: int) -> str:
    if stop - start > 1:
        return f"{start}-{stop}"
    return ",".join(str(value) for value in range(start, stop + 1))


def _short(written: str) -> str:
    return written if len(written) <= 20 else f"{written[:20]}…"
