"""`hexasched cronjob backfill` on an instance whose service is not running."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hexasched.domain.zones import load_zone
from hexasched.store import cron_job_changes, cron_job_pauses
from hexasched.store.cron_jobs import CronJobFields
from tests.factories import make_function
from tests.processes.service import Service


def test_it_shows_each_moment_then_queues_what_did_not_happen_once(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.cli("migrate")
    service.create_owner(timezone="Europe/Berlin")
    made_at = datetime.now(UTC) - timedelta(days=1)
    with service.open_database() as database, database.writing() as connection:
        function = make_function(connection, 1)
        wanted = CronJobFields(
            function_id=function.id, name="nightly", expression="0 3 * * *", timezone="Europe/Berlin"
        )
        job = cron_job_changes.create(connection, 1, wanted, made_at)
        assert job
        cron_job_pauses.suspend(connection, job, "", made_at)
    berlin = datetime.now(UTC).astimezone(load_zone("Europe/Berlin"))
    start, end = f"{berlin - timedelta(days=7):%Y-%m-%d} 00:00", f"{berlin - timedelta(days=3):%Y-%m-%d} 03:00"
    command = ("cronjob", "backfill", "nightly", "--from", start, "--to", end)
    shown = json.loads(service.cli(*command, "--dry-run", "--json").stdout)
    assert [moment["verdict"] for moment in shown["moments"]] == ["no record: would run"] * 5
    assert shown["queued"] == []
    assert "Queued: 5 (runs 1 to 5)" in service.cli(*command).stdout
    again = json.loads(service.cli(*command, "--json").stdout)
    assert [moment["verdict"] for moment in again["moments"]] == [f"waits, run {number}" for number in range(1, 6)]
    assert again["queued"] == []
    refused = service.cli("cronjob", "backfill", "nightly", "--from", "soon", "--to", end, check=False)
    assert refused.returncode == 1 and "--from" in refused.stderr and "YYYY-MM-DD HH:MM" in refused.stderr
