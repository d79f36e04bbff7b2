"""The history of runs, and one run with everything known of it."""

import json
import secrets
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, render_template, request

from hexasched.domain.explain import explain, what_happened
from hexasched.domain.lateness import late_by
from hexasched.domain.outcomes import ALERTING, FINAL, ErrorDetail, Status
from hexasched.domain.wall_times import length_words
from hexasched.store import cron_jobs, functions, history
from hexasched.store.database import Connection
from hexasched.store.history import Filter
from hexasched.store.run_rows import RunDetail, RunRow
from web.access import current_workspace, found, require
from web.addresses import ID, function_url, here, id_of
from web.instance import database, now
from web.log_lines import plain
from web.run_log import shown_log

runs = Blueprint("runs", __name__)
runs.add_app_template_filter(plain, "plain")

ON_A_PAGE = 50
OFFERED = 500
"""CronJobs that the filter offers; those behind them have a link to their runs on their own page."""
PROBLEMS = "problems"
TRIGGERS = {
    "cron": "Schedule",
    "manual": "Run now",
    "again": "Run again",
    "test": "Test run",
    "retry": "Retry",
    "api": "API",
    "backfill": "Backfill",
}
SHOWN_COLUMNS = 160
JUST_ENDED = timedelta(minutes=1)


@runs.app_context_processor
def _words() -> dict[str, object]:
    return {"triggers": TRIGGERS, "late": late, "first_line": first_line, "function_url": function_url}


@runs.get("/runs")
@require("viewer")
def listing() -> str:
    """The newest runs; the query's status, function, cronjob and before choose which."""
    workspace = current_workspace()
    with database().reading() as connection:
        all_functions = functions.all_of(connection, workspace.id)
        offered = cron_jobs.names(connection, workspace.id, OFFERED)
        function = next((f for f in all_functions if f.name == request.args.get("function")), None)
        wanted = Filter(
            statuses=_statuses(request.args.get("status", "")),
            function_id=function.id if function else None,
            cron_job_id=id_of(request.args.get("cronjob")),
            before=id_of(request.args.get("before")),
        )
        if wanted.cron_job_id is not None and wanted.cron_job_id not in offered:
            chosen = cron_jobs.by_id(connection, workspace.id, wanted.cron_job_id)
            offered |= {chosen.id: chosen.name} if chosen else {}
        rows = history.history(connection, workspace.id, wanted, ON_A_PAGE + 1)
    shown = rows[:ON_A_PAGE]
    return render_template(
        "runs/list.html",
        rows=shown,
        functions=all_functions,
        cron_jobs=offered,
        chosen=request.args,
        statuses=[(PROBLEMS, "All problems"), *((s.value, s.value.replace("_", " ").capitalize()) for s in Status)],
        open=any(row.status not in FINAL for row in shown),
        address=here(),
        newer=here(before=None) if wanted.before is not None else None,
        older=here(before=shown[-1].id) if len(rows) > ON_A_PAGE else None,
        filtered=any(request.args.get(name) for name in ("status", "function", "cronjob")),
    )


def _statuses(word: str) -> tuple[str, ...]:
    if word == PROBLEMS:
        return tuple(sorted(ALERTING))
    return (word,) if word in set(Status) else ()


@runs.get(f"/runs/<{ID}:run_id>")
@require("viewer")
def one(run_id: int) -> str:
    """Everything about one run; it fills itself while the run goes on."""
    workspace = current_workspace()
    with database().reading() as connection:
        run = found(history.detail(connection, workspace.id, run_id))
        ended = run.status in FINAL
        return render_template(
            "runs/run.html",
            run=run,
            ended=ended,
            just_ended=ended and _was_watched(run),
            sentence=explain(run),
            cron_job=run.cron_job_id and cron_jobs.by_id(connection, workspace.id, run.cron_job_id),
            function=functions.by_id(connection, workspace.id, run.function_id),
            attempts=_attempts(connection, run),
            log=shown_log(connection, run, ended=ended),
            good=_last_success(connection, run) if run.status in ALERTING else None,
            source=pointed(run.error) if run.error else None,
            event=pretty(run.event),
            result=pretty(run.result) if run.result is not None else None,
            token=secrets.token_hex(16),
        )


def _was_watched(run: RunDetail) -> bool:
    """Whether who asks had a Cancel button for this run in front of them a moment ago."""
    cancelled = run.status is Status.CANCELLED and run.finished_at and now() - run.finished_at < JUST_ENDED
    return bool(cancelled) or request.headers.get("HX-Request") == "true"


def _attempts(connection: Connection, run: RunDetail) -> list[RunRow]:
    alone = run.max_attempts == 1 and run.retry_of is None and run.status is not Status.LOST
    return [] if alone else history.attempts(connection, run)


def _last_success(connection: Connection, run: RunDetail) -> RunDetail | None:
    """The function's last success before this run: what has changed since then may be why this one failed."""
    wanted = Filter(status=Status.SUCCEEDED, function_id=run.function_id, before=run.id)
    rows = history.history(connection, run.workspace_id, wanted, 1)
    return history.detail(connection, run.workspace_id, rows[0].id) if rows else None


def pretty(text: str) -> str:
    """JSON text over several lines; anything else as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


@dataclass(frozen=True, kw_only=True)
class Pointed:
    """A line of source with what is below it: blanks up to the column, and a caret."""

    text: str
    below: str


def pointed(error: ErrorDetail) -> Pointed | None:
    """The faulty line with its caret; of a long line the part around it."""
    line = (error.source_line or "").rstrip("\n").expandtabs(2)
    if not line.strip():
        return None
    column = max((error.column or 0) - 1, 0)
    before = (error.source_line or "")[:column].expandtabs(2)
    start = max(0, len(before) - SHOWN_COLUMNS // 2) if len(line) > SHOWN_COLUMNS else 0
    text = plain(line[start : start + SHOWN_COLUMNS])
    below = " " * len(plain(line[start : len(before)])) + "^" if error.column else ""
    return Pointed(text=text, below=below)


def late(run: RunRow) -> str:
    """`late by 3 min` for a run that began later than it should, else an empty text."""
    found = late_by(run)
    return f"late by {length_words(found)}" if found else ""


def first_line(run: RunRow) -> str:
    """What went wrong, in one line; an empty text if nothing did."""
    return plain(what_happened(run.error, run.env_missing if run.status in ALERTING else ()))[:200]
