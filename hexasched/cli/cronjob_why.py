"""`hexasched cronjob why`: what became of a moment."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from hexasched.cli.cronjob import named, with_zone
from hexasched.cli.instance import open_instance
from hexasched.cli.output import time_text
from hexasched.domain.wall_times import wall_text
from hexasched.domain.why import Answer, read_moments
from hexasched.errors import InvalidInputError
from hexasched.store import whys


@click.command()
@click.argument("name")
@click.option("--at", required=True, metavar="TIME", help="YYYY-MM-DD HH:MM in its zone.")
@click.option("--json", "as_json", is_flag=True, help="A list: a time that came twice has two answers.")
@click.pass_obj
def why(config_file: Path | None, /, name: str, at: str, as_json: bool) -> None:
    """Why NAME did, did not or will not run at some time."""
    instance = open_instance(config_file)
    with instance.database.reading() as connection:
        job = with_zone(named(instance, connection, name))
        moments, mistake = read_moments(at, job.timezone)
        if mistake:
            raise InvalidInputError({"--at": mistake.replace("`", "")})
        answers = [whys.ask(connection, job, moment, datetime.now(UTC)) for moment in moments]
    if as_json:
        click.echo(json.dumps([_json(answer) for answer in answers], indent=2))
        return
    for answer in answers:
        near = " and ".join(wall_text(moment, job.timezone) for moment in answer.near)
        click.echo(answer.sentence + (f" The moments beside it: {near}." if near else ""))


def _json(answer: Answer) -> dict[str, Any]:
    near = [time_text(moment) for moment in answer.near]
    facts = {"at": time_text(answer.at), "kind": answer.kind, "sentence": answer.sentence, "run": answer.run_id}
    return facts | {"near": near}
