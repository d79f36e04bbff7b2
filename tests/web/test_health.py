"""What monitors are told: whether the process answers, and whether the service works."""

from datetime import timedelta

from hexasched.store import settings
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

    assert ready() == (503, {"status": "not ready", "failing": ["scheduler", "worker"], "sandbox": []})
    with place.database.writing() as connection:
        settings.save(connection, "scheduler_tick", now.isoformat())
    assert ready() == (503, {"status": "not ready", "failing": ["worker"], "sandbox": []})
    with place.database.writing() as connection:
        rows.worker(connection, now)
    assert ready() == (200, {"status": "ready", "sandbox": ["bubblewrap"]})
    place.clock.advance(timedelta(seconds=29))
    assert ready()[0] == 200
    place.clock.advance(timedelta(seconds=2))
    assert ready() == (503, {"status": "not ready", "failing": ["scheduler", "worker"], "sandbox": []})


def test_a_database_that_does_not_answer_is_named_without_details(place: Place) -> None:
    broken = Database(f"sqlite:///{place.config.data_dir}/no-such-folder/hexasched.db")
    answer = Browser(create_app(place.config, broken, place.keys, place.clock)).get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"status": "not ready", "failing": ["database"]})
    broken.close()
