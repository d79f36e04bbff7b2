"""What the mails say."""

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from hexasched.config import Config
from hexasched.domain.explain import explain, what_happened
from hexasched.domain.zones import load_zone, shown_zone
from hexasched.store import cron_jobs, history, logs, workspaces
from hexasched.store.database import Connection
from hexasched.store.outbox import Message
from hexasched.store.run_rows import RunDetail
from hexasched.store.workspaces import Workspace

LOG_LINES = 20


def letter_for(connection: Connection, config: Config, message: Message) -> EmailMessage:
    """The mail of an outbox message; made anew at each try, with the same Message-ID."""
    workspace = workspaces.workspace_by_id(connection, message.workspace_id)
    assert workspace is not None
    subject, body = _content(connection, config, workspace, message)
    letter = EmailMessage()
    letter["From"] = config.mail.sender
    letter["To"] = message.recipient
    letter["Subject"] = " ".join(subject.split())
    letter["Date"] = format_datetime(message.created_at)
    letter["Message-ID"] = message.message_id
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(body)
    return letter


def _content(connection: Connection, config: Config, workspace: Workspace, message: Message) -> tuple[str, str]:
    match message.kind:
        case "run":
            run = history.detail(connection, workspace.id, message.payload["run_id"])
            assert run is not None
            return _of_run(connection, config, workspace, run)
        case "missed":
            return _of_missed(connection, config, workspace, message)
        case _:
            return "Test of HexaSched's alerts", (
                f"This is the test message of the workspace {workspace.name}.\n"
                f"Alerts about failed runs reach this address.\n\n{config.public_url}/alerts\n"
            )


def _of_run(connection: Connection, config: Config, workspace: Workspace, run: RunDetail) -> tuple[str, str]:
    name = run.cron_job_name or run.function_name
    lines = [explain(run), ""]
    if run.error is not None:
        lines += [f"{run.error.type}: {run.error.message}"]
        if run.error.file:
            lines += [f"  at {run.error.file}:{run.error.line}", f"  {(run.error.source_line or '').strip()}"]
        if run.error.hint:
            lines += [run.error.hint]
        lines.append("")
    lines += [f"Function:  {run.function_name}, version {run.version_number}"]
    if run.cron_job_name:
        lines += [f"CronJob:   {run.cron_job_name}"]
    if run.scheduled_for:
        lines += [f"Scheduled: {_both_zones(run.scheduled_for, workspace)}"]
    if run.finished_at:
        lines += [f"Ended:     {_both_zones(run.finished_at, workspace)}"]
    if run.max_attempts > 1:
        lines += [f"Attempt:   {run.attempt} of {run.max_attempts}"]
    lines += ["", f"{config.public_url}/runs/{run.id}", "", *_log_tail(connection, run)]
    return f"{name} {run.status.replace('_', ' ')}: {_first_line(run)}", "\n".join(lines) + "\n"


def _first_line(run: RunDetail) -> str:
    return what_happened(run.error, run.env_missing)[:200] or explain(run)[:120]


def _of_missed(connection: Connection, config: Config, workspace: Workspace, message: Message) -> tuple[str, str]:
    facts = message.payload
    job = cron_jobs.by_id(connection, workspace.id, facts["cron_job_id"])
    name = job.name if job else f"CronJob {facts['cron_job_id']}"
    start, end = (_both_zones(datetime.fromisoformat(facts[key]), workspace) for key in ("from", "to"))
    count = "1 run was" if facts["count"] == 1 else f"{facts['count']} runs were"
    body = (
        f"{count} missed because HexaSched was not running at the time.\n\n"
        f"First: {start}\nLast:  {end}\n\n{config.public_url}/cronjobs/{facts['cron_job_id']}\n"
    )
    return f"{name} missed: {count} missed", body


def _both_zones(moment: datetime, workspace: Workspace) -> str:
    zone = shown_zone(workspace.timezone)
    utc = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    return utc if zone == "UTC" else f"{moment.astimezone(load_zone(zone)):%a %Y-%m-%d %H:%M:%S} {zone} ({utc})"


def _log_tail(connection: Connection, run: RunDetail) -> list[str]:
    text = logs.tail(connection, "run", run.id, 16 * 1024).decode(errors="replace")
    lines = text.splitlines()[-LOG_LINES:]
    if run.may_have_run and not lines:
        return ["What it printed, if it began, is not known."]
    return ["The last lines of its log:", *(f"| {line[:500]}" for line in lines)] if lines else ["It printed nothing."]
