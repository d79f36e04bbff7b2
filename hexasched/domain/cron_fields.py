"""What a schedule is: five fields of terms, the values they stand for, and a mistake as data."""

from dataclasses import dataclass

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""The most days that each month ever has."""

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One of the five places of an expression; `names[0]` stands for `low`."""

    name: str
    low: int
    high: int
    allowed: str
    names: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The name as the first word of a sentence."""
        return self.name.capitalize()


MINUTE = Field(name="minute", low=0, high=59, allowed="0–59")
HOUR = Field(name="hour", low=0, high=23, allowed="0–23")
DAY = Field(name="day of month", low=1, high=31, allowed="1–31")
MONTH = Field(name="month", low=1, high=12, allowed="1–12 or jan to dec", names=MONTHS)
WEEKDAY = Field(name="weekday", low=0, high=7, allowed="0–7 (0 and 7 are Sunday) or sun to sat", names=WEEKDAYS)
FIELDS = (MINUTE, HOUR, DAY, MONTH, WEEKDAY)


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One thing that is wrong with what a person wrote.

    `field` is "minute", "hour", "day of month", "month", "weekday", "schedule" for the text as a whole, or
    "timezone". `written` is the faulty piece in printable ASCII, at most 60 characters. `reason` is the whole
    message: what is wrong and what to do. `suggestion` would replace the whole text, and mends this mistake.
    """

    field: str
    written: str
    reason: str
    allowed: str
    suggestion: str | None = None


@dataclass(frozen=True, kw_only=True)
class Term:
    """One member of a field's list: every `step`-th value from `start` to `stop`; `star` if written as `*`."""

    start: int
    stop: int
    step: int = 1
    star: bool = False

    @property
    def values(self) -> range:
        """The numbers that it stands for."""
        return range(self.start, self.stop + 1, self.step)

    def __str__(self) -> str:
        """The one way to write it. A range of one value is that value: cronsim misreads `5-5/10`."""
        if self.start == self.stop:
            return str(self.start)
        span = "*" if self.star else f"{self.start}-{self.stop}"
        return span if self.step == 1 else f"{span}/{self.step}"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A valid expression. `text` is its canonical form; the value tuples are sorted, Sunday is 0.

    `fixed` says that neither minute nor hour begins with `*`, which decides what a change of the clock does to it;
    `both_days` that day of month and weekday must both match, instead of either.
    """

    text: str
    terms: tuple[tuple[Term, ...], ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    fixed: bool
    both_days: bool


def build_schedule(terms: tuple[tuple[Term, ...], ...]) -> Schedule:
    """The schedule of five non-empty lists of terms, in the order of FIELDS."""
    minutes, hours, days, months, weekdays = (
        tuple(sorted({value for term in field for value in term.values})) for field in terms
    )
    star = [field[0].star for field in terms]
    return Schedule(
        text=" ".join(",".join(dict.fromkeys(map(str, field))) for field in terms),
        terms=terms,
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=tuple(sorted({value % 7 for value in weekdays})),
        fixed=not (star[0] or star[1]),
        both_days=star[2] or star[4],
    )
