"""Says a schedule in an English sentence, worded from its values and so true whatever the spelling was."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from hexasched.domain.cron_fields import Schedule

MONTH_NAMES = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAY_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FEW_TIMES = 4


def describe(schedule: Schedule) -> str:
    """What it does, such as "At 09:00 on Monday to Friday"; without a full stop."""
    at_times = len(schedule.minutes) * len(schedule.hours) <= FEW_TIMES
    dates = _dates(schedule) or (" every day" if at_times else "")
    months = "" if len(schedule.months) == 12 else f" in {_months(schedule)}"
    if _one_date(schedule):
        months = ""
        dates = f" every year on {schedule.days[0]} {MONTH_NAMES[schedule.months[0] - 1]}"
    return f"{_times(schedule, at_times)}{dates}{months}"


def listed(words: Iterable[str], last: str = "and") -> str:
    """ "a, b and c"."""
    *rest, end = words
    return f"{', '.join(rest)} {last} {end}" if rest else end


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, …, 11th, 21st."""
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def day_words(schedule: Schedule) -> str:
    """The days of the month, such as "the 1st and 15th"."""
    step = _even_step(schedule.days)
    if step > 1 and len(schedule.days) > 3:
        first, last = ordinal(schedule.days[0]), ordinal(schedule.days[-1])
        return f"every {ordinal(step)} day of the month from the {first} to the {last}"
    return f"the {listed(_runs(schedule.days, [ordinal(day) for day in range(32)]))}"


def weekday_words(schedule: Schedule) -> str:
    """The weekdays, such as "Monday to Friday"; a week that starts on Monday keeps the weekend together."""
    return listed(_runs(sorted(day or 7 for day in schedule.weekdays), WEEKDAY_NAMES))


def _times(schedule: Schedule, at_times: bool) -> str:
    minutes, hours = schedule.minutes, schedule.hours
    if at_times:
        return f"At {listed(_clock(hour, minute) for hour in hours for minute in minutes)}"
    if len(hours) == 24:
        return _every_hour(minutes)
    step, pace = _even_step(hours), _pace(minutes)
    first, last = _clock(hours[0], minutes[0]), _clock(hours[-1], minutes[-1])
    if pace and step <= 1:
        return f"Every {pace} from {first} to {last}"
    if len(hours) == 1 and _even_step(minutes) == 1:
        return f"Every minute from {first} to {last}"
    if len(minutes) == 1 and step > 0:
        return f"Every {'hour' if step == 1 else f'{step} hours'} from {first} to {last}"
    when = f"Every {pace}" if pace else f"At {_minutes(minutes)}"
    if step > 1 and len(hours) > FEW_TIMES:
        return f"{when} of every {ordinal(step)} hour from {hours[0]:02}:00 to {hours[-1]:02}:00"
    span = listed(_runs(hours, [f"{hour:02}:00" for hour in range(24)]))
    return f"{when} of the hours {span}" if len(hours) > 1 else f"{when} past {span}"


def _every_hour(minutes: Sequence[int]) -> str:
    if pace := _pace(minutes):
        return f"Every {pace}"
    if minutes == (0,):
        return "Every hour, on the hour"
    return f"At {_minutes(minutes)} of every hour"


def _pace(minutes: Sequence[int]) -> str:
    """ "5 minutes" if that is the distance between all of them, also from one hour to the next; else ""."""
    step = 60 // len(minutes)
    if len(minutes) == 1 or tuple(minutes) != tuple(range(0, 60, step)):
        return ""
    return "minute" if step == 1 else f"{step} minutes"


def _minutes(minutes: Sequence[int]) -> str:
    step = _even_step(minutes)
    if step > 1 and len(minutes) > FEW_TIMES:
        return f"every {ordinal(step)} minute from {minutes[0]} to {minutes[-1]}"
    return f"minute{'s' if len(minutes) > 1 else ''} {listed(_runs(minutes, [str(one) for one in range(60)]))}"


def _one_date(schedule: Schedule) -> bool:
    """Whether it is a birthday: one day of one month, whatever the weekday."""
    single = len(schedule.days) == len(schedule.months) == 1
    return single and schedule.both_days and len(schedule.weekdays) == 7


def _dates(schedule: Schedule) -> str:
    any_day, any_weekday = len(schedule.days) == 31, len(schedule.weekdays) == 7
    if (any_day and any_weekday) or (not schedule.both_days and (any_day or any_weekday)):
        return ""
    if any_day:
        return f" on {weekday_words(schedule)}"
    every = "" if len(schedule.months) < 12 or "of the month" in day_words(schedule) else " of every month"
    if any_weekday:
        return f" on {day_words(schedule)}{every}"
    if schedule.both_days:
        return f" on {day_words(schedule)}{every}, but only on {weekday_words(schedule)}"
    return f" on {day_words(schedule)} and on every {weekday_words(schedule)} (either matches)"


def _months(schedule: Schedule) -> str:
    return listed(_runs(schedule.months, ("", *MONTH_NAMES)))


def _clock(hour: int, minute: int) -> str:
    return f"{hour:02}:{minute:02}"


def _even_step(values: Sequence[int]) -> int:
    """The distance between neighbours if it is always the same, else 0; one value has none."""
    steps = {right - left for left, right in pairwise(values)}
    return steps.pop() if len(steps) == 1 else 0


def _runs(values: Sequence[int], names: Sequence[str]) -> list[str]:
    """The names of `values`, three or more neighbours as "a to b"."""
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    words: list[str] = []
    for run in runs:
        words += [f"{names[run[0]]} to {names[run[-1]]}"] if len(run) > 2 else [names[one] for one in run]
    return words
