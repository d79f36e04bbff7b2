"""`hexasched cronjob backfill`: past moments of a CronJob, and runs for those that did not happen."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from hexasched import doorbell
from hexasched.cli.cronjob import named, with_zone
from hexasched.cli.instance import open_instance
from hexasched.domain.backfills import Past, moments_between
from hexasched.domain.wall_times import read_instant
from hexasched.domain.zones import load_zone
from hexasched.errors import HexaSchedError, InvalidInputError
from hexasched.store import backfills


@click.command()
@click.argument("name")
@click.option("--from", "start", required=True, metavar="TIME", help="YYYY-MM-DD HH:MM in its zone.")
@click.option("--to", "end", required=True, metavar="TIME", help="Included; at most 500 moments between.")
@click.option("--dry-run", is_flag=True, help="Only show what is known of each moment.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def backfill(config_file: Path | None, name: str, start: str, end: str, dry_run: bool, as_json: bool) -> None:
    """Queue a run for each past moment of NAME that did not happen; asked twice, it queues nothing more."""
    instance = open_instance(config_file)
    now = datetime.now(UTC)
    with instance.database.writing() as connection:
        job = with_zone(named(instance, connection, name))
        moments = moments_between(job.calendar, *_span(start, end, job.timezone), now)
        if isinstance(moments, str):
            raise InvalidInputError({"--to": moments})
        found = backfills.look(connection, job, moments, now)
        if not dry_run and job.live_version_id is None:
            raise HexaSchedError(f"{job.function_name} has no version that was deployed successfully, so it can't run.")
        made = [] if dry_run else backfills.queue(connection, job, moments, now)
    doorbell.ring(instance.config.data_dir, doorbell.WORK)
    click.echo(_as_json(found, made) if as_json else _as_text(found, made, job.timezone, dry_run=dry_run))


def _span(start: str, end: str, zone: str) -> tuple[datetime, datetime]:
    first, wrong_first = read_instant(start, zone)
    last, wrong_last = read_instant(end, zone)
    if first is None or last is None:
        asked = {"--from": (first, wrong_first), "--to": (last, wrong_last)}
        empty = "Write a date and a time, for example 2026-11-23 09:00."
        wrong = {name: text or empty for name, (moment, text) in asked.items() if moment is None}
        raise InvalidInputError({name: text.replace("`", "") for name, text in wrong.items()})
    return first, last


def _as_json(found: list[Past], made: list[int]) -> str:
    moments = [{"at": past.at.isoformat(), "verdict": past.verdict, "would_run": past.would_run} for past in found]
    return json.dumps({"moments": moments, "queued": made}, indent=2)


def _as_text(found: list[Past], made: list[int], zone: str, *, dry_run: bool) -> str:
    lines = [f"{past.at.astimezone(load_zone(zone)):%a %d %b %Y %H:%M} {zone}  {past.verdict}" for past in found]
    if not dry_run:
        lines.append(f"Queued: {len(made)}" + (f" (runs {made[0]} to {made[-1]})" if made else ""))
    return "\n".join(lines) if lines else "The schedule has no past moment in this span."
