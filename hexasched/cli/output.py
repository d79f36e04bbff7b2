"""How the terminal shows runs: a few lines for people, JSON for programs."""

import json
from datetime import datetime
from typing import Any

import click

from hexasched.domain.explain import explain
from hexasched.store import logs
from hexasched.store.database import Connection
from hexasched.store.run_rows import RunDetail, RunRow


def print_run(connection: Connection, run: RunDetail, *, as_json: bool) -> None:
    """One run with its output."""
    out, err = _streams(connection, run.id)
    if as_json:
        click.echo(json.dumps(row_json(run) | _detail_json(run) | {"stdout": out, "stderr": err}, indent=2))
        return
    click.echo(f"Run {run.id} {run.status.replace('_', ' ')}: {explain(run)}")
    if run.error is not None:
        click.echo(f"{run.error.type}: {run.error.message}")
        if run.error.file:
            click.echo(f"  at {run.error.file}:{run.error.line}  {(run.error.source_line or '').strip()}")
        if run.error.hint:
            click.echo(run.error.hint)
    if run.result is not None:
        click.echo(f"Result: {run.result}")
    for name, text in (("stdout", out), ("stderr", err)):
        if text:
            click.echo(f"--- {name}\n{text.rstrip()}")


def row_json(run: RunRow) -> dict[str, Any]:
    """The stable keys of a run; times are ISO 8601 in UTC, durations milliseconds, sizes bytes."""
    return {
        "id": run.id,
        "status": run.status,
        "reason": run.reason,
        "function": run.function_name,
        "version": run.version_number,
        "cron_job": run.cron_job_name,
        "trigger": run.trigger,
        "attempt": run.attempt,
        "scheduled_for": time_text(run.scheduled_for),
        "created_at": time_text(run.created_at),
        "started_at": time_text(run.started_at),
        "finished_at": time_text(run.finished_at),
        "duration_ms": run.duration_ms,
        "peak_memory_bytes": run.peak_memory_bytes,
        "env_missing": list(run.env_missing),
    }


def _detail_json(run: RunDetail) -> dict[str, Any]:
    error = run.error
    return {
        "explanation": explain(run),
        "event": json.loads(run.event),
        "result": None if run.result is None else json.loads(run.result),
        "error": None if error is None else {key: getattr(error, key) for key in error.__dataclass_fields__},
        "warnings": list(run.warnings),
        "env_read": list(run.env_read),
        "exit_code": run.exit_code,
        "signal": run.signal,
        "cpu_ms": run.cpu_ms,
        "log_dropped_bytes": run.log_dropped_bytes,
    }


def _streams(connection: Connection, run_id: int) -> tuple[str, str]:
    streams = {"o": b"", "e": b"", "s": b""}
    position = (-1, -1)
    while chunks := logs.read(connection, "run", run_id, position):
        for chunk in chunks:
            streams[chunk.stream] += chunk.data
        position = (chunks[-1].fence, chunks[-1].seq)
    return streams["o"].decode(errors="replace"), streams["e"].decode(errors="replace")


def time_text(moment: datetime | None) -> str | None:
    """`2026-11-30T08:00:00.000Z`."""
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
