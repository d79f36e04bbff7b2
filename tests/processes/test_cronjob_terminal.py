"""CronJobs from the terminal: made, changed and refused with the same checks as in the dashboard."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from hexasched.domain.limits import Limits
from hexasched.store import builds, cron_jobs, function_versions, functions, workspaces
from hexasched.store import tables as t
from hexasched.store.function_versions import Program
from tests.factories import NOW
from tests.processes.service import Service


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An instance with a function that was deployed; nothing of it runs."""
    service = Service(tmp_path_factory.mktemp("cronjobs"))
    service.cli("migrate")
    service.create_owner()
    with service.open_database() as database, database.writing() as connection:
        workspace = workspaces.first_workspace(connection)
        assert workspace
        made = functions.create(connection, workspace.id, "hello", "", NOW)
        assert made
        program = Program(runtime="node24", handler_file="index.js", source="1", dependencies={}, limits=Limits())
        version_id = function_versions.add_version(connection, made.id, program, draft=False, user_id=None, now=NOW)
        builds.save_version(connection, version_id, state="ready", analysis=None, lockfile=None, artifact_id=None)
        assert function_versions.activate(connection, made.id, version_id)
    yield service


def test_it_makes_and_changes_a_cron_job_with_all_its_policies(terminal: Service, tmp_path: Path) -> None:
    policies = "--queue-limit 4 --starting-deadline 900 --catch-up all --max-attempts 5 --retry-delay 30 --spread 300"
    times = ("--retry-on", "error,time", "--starts-at", "2090-12-01 09:00", "--timezone", "Europe/Berlin")
    arguments = ("--function", "hello", "--schedule", "0 9 * * *", *policies.split(), *times)
    said = terminal.cli("cronjob", "create", "mornings", *arguments).stdout
    assert said == "CronJob created. Next execution: Fri 01 Dec 2090, 09:00 Europe/Berlin\n"
    said = terminal.cli("cronjob", "edit", "mornings", "--name", "later", "--starts-at", "2090-12-05 09:00").stdout
    assert said == "CronJob saved. Next execution: Tue 05 Dec 2090, 09:00 Europe/Berlin\n"
    refused = terminal.cli("cronjob", "edit", "later", "--spread", "x", "--retry-on", "load", check=False)
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    assert "--spread: Write a whole number of seconds from 0 to 3600; you wrote “x”." in refused.stderr
    assert "--retry-on: “load” is no reason to try again." in refused.stderr


def test_it_pauses_until_then_and_resumes(terminal: Service) -> None:
    terminal.cli("cronjob", "create", "pausing", "--function", "hello", "--schedule", "0 9 1 1 *")
    refused = terminal.cli("cronjob", "pause", "pausing", "--until", "2020-01-01 09:00", check=False)
    assert "--until: 2020-01-01 09:00 has passed in UTC." in refused.stderr
    said = terminal.cli("cronjob", "pause", "pausing", "--reason", "the boat", "--until", "2090-01-01 09:00").stdout
    assert said == "pausing is paused until 2090-01-01 09:00 UTC.\n"
    said = terminal.cli("cronjob", "pause", "pausing", "--reason", "the sea", "--until", "2090-02-01 09:00").stdout
    assert said == "pausing is paused until 2090-02-01 09:00 UTC.\n", "a pause can be changed while it holds"
    assert "pausing is active. Next execution: " in terminal.cli("cronjob", "resume", "pausing").stdout


def test_it_answers_why_a_cron_job_did_not_run(terminal: Service) -> None:
    terminal.cli("cronjob", "create", "asked", "--function", "hello", "--schedule", "0 9 * * *")
    [answer] = json.loads(terminal.cli("cronjob", "why", "asked", "--at", "2090-01-01 09:30", "--json").stdout)
    assert (answer["kind"], answer["run"], answer["at"]) == ("no_moment", None, "2090-01-01T09:30:00.000Z")
    assert answer["near"] == ["2090-01-01T09:00:00.000Z", "2090-01-02T09:00:00.000Z"]
    said = terminal.cli("cronjob", "why", "asked", "--at", "2020-01-01 09:00").stdout
    assert said == "The CronJob was made later: at that time there was none.\n"
    refused = terminal.cli("cronjob", "why", "asked", "--at", "noon", check=False)
    assert (refused.returncode, "--at: noon is not a date and a time" in refused.stderr) == (1, True)


def test_a_cron_job_whose_zone_is_gone_is_named_with_what_to_do(terminal: Service) -> None:
    start = ("--starts-at", "2090-06-01 09:00")
    for name in ("lost", "found"):
        schedule = ("--schedule", "every 2 days from 2090-01-01 09:00", "--timezone", "Europe/Berlin")
        terminal.cli("cronjob", "create", name, "--function", "hello", *schedule, *start)
    with terminal.open_database() as database, database.writing() as connection:
        connection.execute(update(t.cron_jobs).where(t.cron_jobs.c.name == "lost").values(timezone="Mars/Base"))
    moment = "2090-01-01 09:00"
    assert terminal.cli("cronjob", "pause", "lost").stdout == "lost is paused until it is resumed.\n"
    for asked in (
        ("pause", "lost", "--until", moment),
        ("resume", "lost"),
        ("why", "lost", "--at", moment),
        ("backfill", "lost", "--from", moment, "--to", moment),
    ):
        refused = terminal.cli("cronjob", *asked, check=False)
        assert refused.returncode == 2, asked
        assert refused.stderr == (
            "hexasched: The time zone of lost can't be used any more. "
            "Mars/Base is not a time zone of the IANA database. Write a place, for example Europe/Berlin, or UTC. "
            "Choose another zone with hexasched cronjob edit lost --timezone ZONE.\n"
        )
    assert terminal.cli("cronjob", "edit", "lost", "--timezone", "Europe/Berlin").stdout.startswith("CronJob saved.")
    assert "Next execution: Fri 02 Jun 2090, 09:00 Europe/Berlin" in terminal.cli("cronjob", "resume", "lost").stdout
    with terminal.open_database() as database, database.reading() as connection:
        lost, found = (cron_jobs.by_name(connection, 1, name) for name in ("lost", "found"))
    assert lost and found and lost.starts_at == found.starts_at, "its start stays the moment that it was"


def test_it_edits_a_cron_job_whose_one_moment_has_passed(terminal: Service) -> None:
    terminal.cli("cronjob", "create", "once", "--function", "hello", "--schedule", "at 2090-01-01 09:00")
    with terminal.open_database() as database, database.writing() as connection:
        once = t.cron_jobs.c.name == "once"
        connection.execute(update(t.cron_jobs).where(once).values(expression="at 2020-01-01 09:00", next_run_at=None))
    said = terminal.cli("cronjob", "edit", "once", "--max-attempts", "3").stdout
    assert said == "CronJob saved. It has no further execution.\n"
    refused = terminal.cli("cronjob", "edit", "once", "--schedule", "at 2021-01-01 09:00", check=False).stderr
    assert "schedule: 2021-01-01 09:00 has passed in UTC: it is 20" in refused and "Write a time to come." in refused
    said = terminal.cli("cronjob", "edit", "once", "--schedule", "at 2090-02-01 09:00").stdout
    assert said == "CronJob saved. Next execution: Wed 01 Feb 2090, 09:00 UTC\n"


def test_blackouts_are_added_listed_and_removed(terminal: Service) -> None:
    blackout = ("cronjob", "blackout")
    terminal.cli("cronjob", "create", "dark", "--function", "hello", "--schedule", "0 9 * * *")
    times = ("--from", "2090-12-24 00:00", "--to", "2090-12-27 00:00")
    added = "Christmas, 2090-12-24 00:00 to 2090-12-27 00:00 UTC, for dark\n"
    assert terminal.cli(*blackout, "add", "Christmas", *times, "--cronjob", "dark").stdout == f"Blackout 1: {added}"
    assert terminal.cli(*blackout, "list").stdout == f"    1  {added}"
    [listed] = json.loads(terminal.cli(*blackout, "list", "--json").stdout)
    assert (listed["id"], listed["cron_job"], listed["to"]) == (1, "dark", "2090-12-27T00:00:00+00:00")
    refused = terminal.cli(*blackout, "add", " ", "--from", "soon", "--to", "2020-01-01 00:00", check=False).stderr
    assert "name: Give it a name" in refused and "--from: soon is not a date and a time" in refused
    assert "--to: It has passed in UTC" in refused
    assert "nothing falls into it" in terminal.cli(*blackout, "remove", "1").stdout
    assert "There is no blackout 1" in terminal.cli(*blackout, "remove", "1", check=False).stderr
    assert "No blackouts" in terminal.cli(*blackout, "list").stdout
