"""What monitors are told: whether the process answers, and whether the service works."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import update

from hexasched.store import settings
from hexasched.store import tables as t
from hexasched.store.database import Database
from tests.web import rows
from tests.web.browser import Browser
from tests.web.conftest import Place
from web import create_app


def test_the_process_answers_before_there_is_an_account(place: Place) -> None:
    answer = Browser(place.app()).get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_the_service_is_ready_once_scheduler_and_worker_are_there(place: Place) -> None:
    monitor, now = Browser(place.app()), place.clock()

    def ready() -> tuple[int, object]:
        answer = monitor.get("/readyz")
        return answer.status_code, answer.json

    no_worker = {"worker": "No worker is present: nothing can run."}
    never = {"scheduler": "The scheduler has never ticked."} | no_worker
    expected = {"status": "not ready", "failing": ["scheduler", "worker"], "reasons": never, "sandbox": []}
    assert ready() == (503, expected)
    with place.database.writing() as connection:
        settings.save(connection, "scheduler_tick", now.isoformat())
    expected = {"status": "not ready", "failing": ["worker"], "reasons": no_worker, "sandbox": []}
    assert ready() == (503, expected)
    with place.database.writing() as connection:
        rows.worker(connection, now)
    assert ready() == (200, {"status": "ready", "sandbox": ["bubblewrap"]})
    place.clock.advance(timedelta(seconds=29))
    assert ready()[0] == 200
    place.clock.advance(timedelta(seconds=2))
    silent = {"scheduler": "The scheduler has not ticked for 31 s: schedules are not firing."} | no_worker
    expected = {"status": "not ready", "failing": ["scheduler", "worker"], "reasons": silent, "sandbox": []}
    assert ready() == (503, expected)


def test_what_is_stuck_or_overdue_is_named_to_monitors_and_on_every_page(
    place: Place, people: dict[str, int], logged_in: Callable[[str], Browser]
) -> None:
    owner, now = logged_in("owner"), place.clock()
    with place.database.writing() as connection:
        rows.cron_job(connection, rows.live_function(connection, 1, "secret-name", now), now, name="other-secret")
        connection.execute(update(t.cron_jobs).values(next_run_at=None))
        settings.save(connection, "scheduler_tick", now.isoformat())
        rows.worker(connection, now)
    answer = Browser(place.app()).get("/readyz")
    reason = "1 active CronJob has no next run although the schedule goes on."
    assert answer.status_code == 503 and answer.json
    assert (answer.json["failing"], answer.json["reasons"]) == (["cron_job"], {"cron_job": reason})
    assert "secret" not in answer.text
    assert reason in owner.get("/runs").text


def test_a_database_that_does_not_answer_is_named_without_details(place: Place) -> None:
    broken = Database(f"sqlite:///{place.config.data_dir}/no-such-folder/hexasched.db")
    answer = Browser(create_app(place.config, broken, place.keys, place.clock)).get("/readyz")
    reasons = {"database": "The database does not answer."}
    expected = {"status": "not ready", "failing": ["database"], "reasons": reasons}
    assert (answer.status_code, answer.json) == (503, expected)
    broken.close()
