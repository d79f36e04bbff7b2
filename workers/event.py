"""The event and the context that a handler is given."""

import json
from datetime import datetime
from typing import Any

from hexasched.domain.zones import check_zone
from hexasched.store.work import CronFacts, RunWork

_TYPES = {"cron": "schedule", "again": "manual", "api": "http"}


def event_for(work: RunWork, now: datetime) -> dict[str, Any]:
    """The handler's first argument: why it runs, with the facts of its schedule and the payload."""
    cron = work.cron_job
    return {
        "id": str(work.claim.run_id),
        "type": _TYPES.get(work.trigger, work.trigger),
        "scheduledTime": _text(work.scheduled_for),
        "timezone": cron.timezone if cron else None,
        "cronJob": {"id": cron.id, "name": cron.name, "expression": cron.expression} if cron else None,
        "lastRunAt": _text(work.last_run_at),
        "lastSuccessAt": _text(work.last_success_at),
        "nextRuns": _next_runs(cron, now) if cron else [],
        "attempt": work.attempt,
        "payload": json.loads(work.event),
    }


def context_for(work: RunWork) -> dict[str, Any]:
    """The plain part of the handler's second argument; the sandbox adds its clock and its signal."""
    return {
        "requestId": str(work.claim.run_id),
        "occurrenceId": work.occurrence_id,
        "functionName": work.function_name,
        "functionVersion": "draft" if work.version_number is None else str(work.version_number),
        "memoryLimitInMB": work.program.limits.memory_mb,
    }


def _next_runs(cron: CronFacts, now: datetime) -> list[str | None]:
    """The next five, none where the zone is gone: a run that was queued before needs no more than its own moment."""
    return [] if check_zone(cron.timezone) else [_text(moment) for moment in cron.calendar.upcoming(now, 5)]


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
