"""Periods in which CronJobs do not run, as people type them: a pause until some time, a named blackout."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hexasched.domain.ticks import Blackout
from hexasched.domain.wall_times import read_instant

MAX_REASON_CHARS = 200
MAX_NAME_CHARS = 100


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Why a CronJob is to pause (an empty text if nobody says), and until when; None is until somebody resumes it."""

    reason: str
    until: datetime | None


def read_pause(reason: str, until: str, zone: str, now: datetime) -> Pause | dict[str, str]:
    """The pause, or what is wrong with "reason" and "until" (a wall time of `zone`)."""
    moment, mistake = read_instant(until, zone)
    words = " ".join(reason.split())
    wrong = {
        "reason": _too_long(words, MAX_REASON_CHARS),
        "until": mistake
        or (f"{until.strip()} has passed in {zone}. Write a time to come." if _past(moment, now) else ""),
    }
    errors = {field: message for field, message in wrong.items() if message}
    return errors or Pause(reason=words, until=moment)


def read_blackout(typed: Mapping[str, str], zone: str, now: datetime) -> Blackout | dict[str, str]:
    """The blackout of the texts "name", "from" and "to" (wall times of `zone`), or what is wrong with each."""
    name = " ".join(typed.get("name", "").split())
    begin, wrong_begin = read_instant(typed.get("from", ""), zone)
    end, wrong_end = read_instant(typed.get("to", ""), zone)
    wrong = {"name": _too_long(name, MAX_NAME_CHARS), "from": wrong_begin or "", "to": wrong_end or ""}
    if not name:
        wrong["name"] = "Give it a name, for example Christmas: the history shows it beside what did not run."
    for field, moment in (("from", begin), ("to", end)):
        if moment is None and not wrong[field]:
            wrong[field] = "Write a date and a time, for example 2026-12-24 18:00."
    if begin and end and end <= begin:
        wrong["to"] = "It ends before it begins. Write a later time."
    elif _past(end, now):
        wrong["to"] = f"It has passed in {zone}: what has happened stays as it is. Write a time to come."
    errors = {field: message for field, message in wrong.items() if message}
    if errors or begin is None or end is None:
        return errors
    return Blackout(name=name, from_at=begin, to_at=end)


def _past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def _too_long(text: str, most: int) -> str:
    return f"At most {most} characters; these are {len(text)}." if len(text) > most else ""
