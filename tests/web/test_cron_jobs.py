"""CronJobs in the dashboard: made, changed, paused, run, deleted; their list and their history without gaps."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import update

from hexasched.config import Mail
from hexasched.doorbell import SCHEDULE, WORK, Doorbell
from hexasched.notifier.letters import letter_for
from hexasched.store import (
    claiming,
    cron_job_pauses,
    cron_jobs,
    finishing,
    functions,
    history,
    outbox,
    work,
    workspaces,
)
from hexasched.store import tables as t
from hexasched.store.cron_jobs import CronJob
from hexasched.store.functions import Function
from hexasched.store.history import Filter
from hexasched.store.run_rows import RunRow
from tests.web import rows
from tests.web.browser import Browser
from tests.web.conftest import Place
from workers.event import event_for

GOOD = {
    "function": "daily-summary-email",
    "expression": "0 9 * * 1",
    "timezone": "Europe/Berlin",
    "name": "monday-mail",
    "event": '{"to": "all"}',
    "concurrency_policy": "Forbid",
    "catch_up": "last",
    "max_attempts": "3",
}
TOKEN = "0123456789abcdef" * 2

LogIn = Callable[[str], Browser]


@pytest.fixture
def function(place: Place, people: dict[str, int]) -> Function:
    with place.database.writing() as connection:
        workspace = workspaces.first_workspace(connection)
        assert workspace
        return rows.live_function(connection, workspace.id, "daily-summary-email", place.clock())


@pytest.fixture
def job(place: Place, function: Function) -> CronJob:
    with place.database.writing() as connection:
        return rows.cron_job(connection, function, place.clock())


def stored(place: Place, name: str) -> CronJob | None:
    with place.database.reading() as connection:
        return cron_jobs.by_name(connection, 1, name)


def runs_of(place: Place, job: CronJob) -> list[RunRow]:
    with place.database.reading() as connection:
        return history.history(connection, 1, Filter(cron_job_id=job.id))


def field(page: str, name: str) -> str:
    """The value that the page shows in an input or area of text."""
    found = re.search(rf'<input[^>]* name="{name}"[^>]* value="([^"]*)"', page) or re.search(
        rf'<textarea[^>]* name="{name}"[^>]*>\n([^<]*)<', page
    )
    assert found, f"no field {name}"
    return unescape(found[1])


def test_it_creates_a_cron_job_and_says_when_it_runs_next(place: Place, function: Function, logged_in: LogIn) -> None:
    developer = logged_in("developer")
    with Doorbell(place.config.data_dir, SCHEDULE) as bell:
        answer = developer.post("/cronjobs/new", GOOD)
        assert bell.wait(1)
    job = stored(place, "monday-mail")
    assert job and answer.status_code == 303 and answer.location == f"/cronjobs/{job.id}"
    page = unescape(developer.get(answer.location).text)
    assert "CronJob created. Next execution: Mon 30 Nov 2026, 09:00 Europe/Berlin (in 7 days, 08:00 UTC)." in page
    assert "Failure alerts go to owner@example.org." in page
    assert (job.event, job.max_attempts, job.next_run_at) == (
        '{"to":"all"}',
        3,
        datetime(2026, 11, 30, 8, 0, tzinfo=UTC),
    )


def test_it_says_at_once_that_failures_reach_nobody(place: Place, function: Function) -> None:
    developer = Browser(place.app(mail=Mail()))
    developer.log_in("developer@example.org")
    page = developer.get(str(developer.post("/cronjobs/new", GOOD).location)).text
    assert "Failure alerts reach nobody: no mail server is set." in page
    assert '<a href="/alerts">' in page


def test_it_names_every_mistake_and_keeps_what_was_typed(function: Function, logged_in: LogIn) -> None:
    wrong = {
        "function": "none-such",
        "expression": "0 25 * * mo",
        "timezone": "Europe/Berln",
        "name": "Not A Name",
        "event": '{"to": ',
        "concurrency_policy": "Sometimes",
        "catch_up": "all-of-them",
        "max_attempts": "0",
    }
    answer = logged_in("developer").post("/cronjobs/new", wrong)
    page = unescape(answer.text)
    assert answer.status_code == 422
    for name in (
        "function",
        "expression",
        "timezone",
        "name",
        "event",
        "concurrency_policy",
        "catch_up",
        "max_attempts",
    ):
        assert f'id="{name}-error"' in page
    for message in ("There is no function none-such.", "Hour", "Weekday", "you wrote “0”", "The event is not JSON"):
        assert message in page
    for name in ("expression", "timezone", "name", "max_attempts"):
        assert field(answer.text, name) == wrong[name]
    assert field(answer.text, "event").strip() == wrong["event"].strip()
    assert page.count(" autofocus") == 1


def test_it_offers_what_was_meant_as_a_button_that_works_without_scripts(function: Function, logged_in: LogIn) -> None:
    developer = logged_in("developer")
    page = developer.post("/cronjobs/new", {**GOOD, "expression": "0 0 9 * * *"}).text
    found = re.search(r'name="use_expression" value="([^"]+)" data-fill="expression" formnovalidate>Use', page)
    assert found
    mended = developer.post("/cronjobs/new", {**GOOD, "expression": "0 0 9 * * *", "use_expression": found[1]})
    assert mended.status_code == 200
    assert field(mended.text, "expression") == found[1] == "0 9 * * *"
    assert field(mended.text, "name") == "monday-mail"
    assert "At 09:00 every day" in mended.text and "-error" not in mended.text


POLICIES: dict[str, Any] = {
    "concurrency_policy": "Forbid",
    "queue_limit": "4",
    "starting_deadline_s": "900",
    "catch_up": "all",
    "max_attempts": "5",
    "retry_delay_s": "30",
    "retry_max_delay_s": "600",
    "retry_on": ["", "error", "time"],
    "spread_s": "300",
    "starts_at": "2026-12-01T09:00",
    "ends_at": "2026-12-24T18:00",
    "successful_history_limit": "100",
    "failed_history_limit": "500",
}


def test_it_stores_every_policy_and_says_on_the_page_what_they_mean(
    place: Place, function: Function, logged_in: LogIn
) -> None:
    developer = logged_in("developer")
    answer = developer.post("/cronjobs/new", {**GOOD, **POLICIES})
    job = stored(place, "monday-mail")
    assert job and answer.status_code == 303
    assert (job.queue_limit, job.starting_deadline_s, job.catch_up, job.max_attempts) == (4, 900, "all", 5)
    assert (job.retry_delay_s, job.retry_max_delay_s, job.retry_on, job.spread_s) == (30, 600, ("error", "time"), 300)
    assert (job.starts_at, job.ends_at) == (
        datetime(2026, 12, 1, 8, 0, tzinfo=UTC),
        datetime(2026, 12, 24, 17, 0, tzinfo=UTC),
    )
    assert (job.successful_history_limit, job.failed_history_limit) == (100, 500)
    page = unescape(developer.get(str(answer.location)).text)
    assert "up to 4 more wait for their turn" in page and "It starts at 2026-12-01 09:00." in page
    assert "Mon 7 Dec 2026, 09:00" in page and "Mon 28 Dec" not in page and "Mon 30 Nov 2026, 09:00" not in page
    edit = developer.get(f"/cronjobs/{job.id}/edit").text
    assert field(edit, "starts_at") == "2026-12-01T09:00" and field(edit, "retry_max_delay_s") == "600"
    assert edit.count(' name="retry_on"') - edit.count(" checked>") == 7  # 8 reasons and the hidden field, 2 ticked
    assert f"those of this CronJob +{job.delay_of(job.id).total_seconds():.0f} s" in edit
    assert '<details class="advanced" open>' in edit


def test_wrong_policies_are_told_at_their_fields_and_kept(place: Place, function: Function, logged_in: LogIn) -> None:
    wrong = {
        "queue_limit": "many",
        "starting_deadline_s": "-1",
        "retry_delay_s": "1e3",
        "spread_s": "3601",
        "starts_at": "2026-03-29T02:30",
        "retry_on": "",
    }
    answer = logged_in("developer").post("/cronjobs/new", {**GOOD, **wrong})
    page = unescape(answer.text)
    assert answer.status_code == 422 and stored(place, "monday-mail") is None
    for name, text in wrong.items():
        assert f'id="{name}-error"' in page
        assert name == "retry_on" or field(answer.text, name) == text
    assert "does not exist in Europe/Berlin" in page and "Choose at least one reason" in page
    assert '<details class="advanced" open>' in page and 'type="checkbox" checked' not in page


def test_the_preview_keeps_to_start_and_end_and_tells_of_the_spread(function: Function, logged_in: LogIn) -> None:
    form = {"expression": "0 9 * * *", "timezone": "Europe/Berlin", "starts_at": "2026-12-01T09:00", "spread_s": "300"}
    page = unescape(logged_in("viewer").post("/cronjobs/preview", {**form, "ends_at": "2026-12-02T09:00"}).text)
    assert re.findall(r"<b>(.*?)</b>", page) == ["Tue 1 Dec 2026, 09:00", "Wed 2 Dec 2026, 09:00"]
    assert "Each run starts up to 300 s later" in page
    over = logged_in("viewer").post("/cronjobs/preview", {**form, "ends_at": "2026-11-01T09:00", "starts_at": ""})
    assert "It has no further run." in over.text


def test_intervals_and_single_moments_are_schedules_too(place: Place, function: Function, logged_in: LogIn) -> None:
    developer = logged_in("developer")
    assert 'value="every 90 minutes"' in developer.get("/cronjobs/new").text
    answer = developer.post("/cronjobs/new", {**GOOD, "expression": "every 2 days"})
    assert "Next execution: Wed 25 Nov 2026, 09:00" in developer.get(str(answer.location)).text
    job = stored(place, "monday-mail")
    assert job and job.expression == "every 2 days from 2026-11-23 09:00"


def test_a_preset_fills_the_schedule_without_saving(place: Place, function: Function, logged_in: LogIn) -> None:
    answer = logged_in("developer").post("/cronjobs/new", {**GOOD, "expression": "", "use_expression": "*/5 * * * *"})
    assert (answer.status_code, field(answer.text, "expression")) == (200, "*/5 * * * *")
    assert stored(place, "monday-mail") is None


def test_the_key_enter_presses_the_button_that_saves(function: Function, logged_in: LogIn) -> None:
    page = logged_in("developer").get("/cronjobs/new").text
    form = page[page.index('id="cron-job"') :]
    first = re.search(r"<button[^>]*>", form)
    assert first and "name=" not in first[0]


def test_it_names_the_cron_job_like_the_function(place: Place, function: Function, logged_in: LogIn) -> None:
    developer = logged_in("developer")
    assert developer.post("/cronjobs/new", {**GOOD, "name": ""}).status_code == 303
    assert stored(place, "daily-summary-email") is not None
    assert field(developer.get("/cronjobs/new?function=daily-summary-email").text, "name") == "daily-summary-email-2"
    again = developer.post("/cronjobs/new", {**GOOD, "name": "daily-summary-email"})
    assert again.status_code == 422 and "There is a CronJob of this name." in again.text


def test_it_offers_only_functions_that_were_deployed(place: Place, function: Function, logged_in: LogIn) -> None:
    with place.database.writing() as connection:
        functions.create(connection, 1, "half-done", "", place.clock())
    developer = logged_in("developer")
    page = developer.get("/cronjobs/new?function=daily-summary-email").text
    assert re.search(r'<option value="half-done"[^>]* disabled>half-done \(not deployed yet\)', page)
    assert '<option value="daily-summary-email" selected>' in page
    answer = developer.post("/cronjobs/new", {**GOOD, "function": "half-done"})
    assert answer.status_code == 422 and "no version that was deployed successfully" in answer.text


def test_the_preview_says_what_a_schedule_means_in_its_zone_and_in_utc(function: Function, logged_in: LogIn) -> None:
    viewer = logged_in("viewer")
    page = unescape(viewer.post("/cronjobs/preview", {"expression": "30 0 * * *", "timezone": "Europe/Berlin"}).text)
    assert "At 00:30 every day" in page
    assert page.count("<li>") == 6
    assert "Tue 24 Nov 2026, 00:30" in page and "Mon 23 Nov, 23:30 UTC" in page
    assert 'data-local-time="2026-11-23T23:30:00Z"' in page
    assert "<html" not in page


def test_the_preview_warns_of_changes_of_the_clock_and_of_the_rule_of_days(
    function: Function, logged_in: LogIn
) -> None:
    form = {"expression": "30 2 13 * 5", "timezone": "Europe/Berlin"}
    page = unescape(logged_in("viewer").post("/cronjobs/preview", form).text)
    assert "cron fires when either matches" in page
    sunday = logged_in("viewer").post("/cronjobs/preview", {**form, "expression": "30 2 * * *"})
    assert "does not exist in Europe/Berlin" in unescape(sunday.text)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"expression": "", "timezone": "UTC"}, "Write a schedule"),
        ({"expression": "0 25 * * *", "timezone": "UTC"}, "Hour"),
        ({"expression": "0 9 * * *", "timezone": "berlin"}, 'value="Europe/Berlin" data-fill="timezone"'),
        ({"expression": "<script>x</script>", "timezone": "\x1b[31m"}, "Schedule"),
        ({}, "Write a schedule"),
    ],
)
def test_the_preview_answers_whatever_is_typed(
    function: Function, logged_in: LogIn, form: Mapping[str, str], said: str
) -> None:
    answer = logged_in("viewer").post("/cronjobs/preview", form)
    assert answer.status_code == 200
    assert said in unescape(answer.text)
    assert "<script>" not in answer.text


def test_pieces_of_code_in_a_message_are_shown_as_code_and_all_else_as_text(
    function: Function, logged_in: LogIn
) -> None:
    developer = logged_in("developer")
    form = {**GOOD, "expression": "0 9 * * monday"}
    for page in (developer.post("/cronjobs/preview", form).text, developer.post("/cronjobs/new", form).text):
        assert "Weekday <code>monday</code> is unknown." in page and "Did you mean <code>mon</code>?" in page
    hostile = developer.post("/cronjobs/preview", {**GOOD, "expression": "0 9 * * `<b>`"}).text
    assert "<b>`" not in hostile and "<code><b>" not in hostile


def test_a_cron_job_in_another_zone_than_the_readers_names_both(
    place: Place, function: Function, logged_in: LogIn
) -> None:
    with place.database.writing() as connection:
        job = rows.cron_job(connection, function, place.clock(), timezone="Asia/Tokyo")
        rows.ended_run(connection, function, place.clock(), cron_job_id=job.id)
    page = logged_in("viewer").get(f"/cronjobs/{job.id}").text
    assert 'Next runs <span class="dim fw-normal">in Asia/Tokyo</span>' in page
    assert "times in Europe/Berlin" in page
    assert "09:00 Europe/Berlin</time>" in page.partition("<dt>Created</dt>")[2][:300]


def test_it_changes_a_cron_job(place: Place, job: CronJob, logged_in: LogIn) -> None:
    developer = logged_in("developer")
    page = developer.get(f"/cronjobs/{job.id}/edit").text
    assert field(page, "expression") == "0 9 * * *"
    answer = developer.post(f"/cronjobs/{job.id}/edit", {**GOOD, "revision": field(page, "revision")})
    assert answer.status_code == 303
    assert "CronJob saved. Next execution: Mon 30 Nov 2026" in developer.get(str(answer.location)).text
    changed = stored(place, "monday-mail")
    assert changed and changed.id == job.id and changed.expression == "0 9 * * 1"


def test_it_does_not_overwrite_somebody_elses_change_unasked(place: Place, job: CronJob, logged_in: LogIn) -> None:
    developer = logged_in("developer")
    with place.database.writing() as connection:
        cron_job_pauses.suspend(connection, job, "", place.clock())
    answer = developer.post(f"/cronjobs/{job.id}/edit", {**GOOD, "revision": "1"})
    assert answer.status_code == 409
    assert "Somebody changed this CronJob" in answer.text and field(answer.text, "name") == "monday-mail"
    assert stored(place, "monday-mail") is None
    again = developer.post(f"/cronjobs/{job.id}/edit", {**GOOD, "revision": field(answer.text, "revision")})
    assert again.status_code == 303
    assert "CronJob saved. It is paused." in developer.get(str(again.location)).text


def test_it_runs_a_cron_job_now_once_however_often_the_form_is_sent(
    place: Place, job: CronJob, logged_in: LogIn
) -> None:
    developer = logged_in("developer")
    with Doorbell(place.config.data_dir, WORK) as bell:
        answers = [developer.post(f"/cronjobs/{job.id}/run", {"token": TOKEN}) for _ in range(3)]
        assert bell.wait(1)
    [run] = runs_of(place, job)
    assert {answer.location for answer in answers} == {f"/runs/{run.id}"}
    assert (run.trigger, run.status, run.scheduled_for) == ("manual", "queued", None)
    developer.post(f"/cronjobs/{job.id}/run", {"token": TOKEN[::-1]})
    assert len(runs_of(place, job)) == 2
    assert developer.post(f"/cronjobs/{job.id}/run").status_code == 400


def test_it_pauses_with_a_reason_and_resumes_with_a_window(place: Place, job: CronJob, logged_in: LogIn) -> None:
    developer = logged_in("developer")
    developer.post(f"/cronjobs/{job.id}/pause", {"reason": "the\nboat is on land"})
    page = unescape(developer.get(f"/cronjobs/{job.id}").text)
    assert "Paused: the boat is on land." in page
    place.clock.advance(timedelta(days=3))
    page = developer.get(f"/cronjobs/{job.id}").text
    assert "3 runs</span>" in page or "3 runs did not happen" in page
    answer = developer.post(f"/cronjobs/{job.id}/resume", {"back": "/cronjobs"})
    assert answer.location == "/cronjobs"
    assert "is active. Next execution: Fri 27 Nov 2026, 09:00" in developer.get("/cronjobs").text
    page = developer.get(f"/cronjobs/{job.id}").text
    assert "the CronJob was paused" in page and "3 runs did not happen" in page


def test_a_pause_until_then_is_in_the_jobs_zone_and_must_lie_ahead(
    place: Place, job: CronJob, logged_in: LogIn
) -> None:
    developer = logged_in("developer")
    for until, words in (("2026-11-23T09:00", "has passed in Europe/Berlin"), ("2027-03-28T02:30", "does not exist")):
        refused = developer.post(f"/cronjobs/{job.id}/pause", {"reason": "the boat", "until": until})
        assert refused.status_code == 422 and words in unescape(refused.text)
        assert (field(refused.text, "reason"), field(refused.text, "until")) == ("the boat", until)
    assert developer.post(f"/cronjobs/{job.id}/pause", {"until": "2026-12-01T07:30"}).status_code == 303
    page = unescape(developer.get(f"/cronjobs/{job.id}").text)
    assert "is paused: it does not run until Tue 1 Dec 2026, 07:30 Europe/Berlin." in page
    assert "It does not run until Tue 1 Dec 2026, 07:30 Europe/Berlin, or until it is resumed." in page
    paused = stored(place, job.name)
    assert paused and paused.suspended_until == datetime(2026, 12, 1, 6, 30, tzinfo=UTC)


def test_a_pause_that_holds_can_be_changed_but_not_by_a_switch_that_was_pressed_twice(
    place: Place, job: CronJob, logged_in: LogIn
) -> None:
    developer = logged_in("developer")
    developer.post(f"/cronjobs/{job.id}/pause", {"reason": "the boat", "until": "2026-12-01T07:30"})
    assert f'href="/cronjobs/{job.id}/pause"' in developer.get(f"/cronjobs/{job.id}").text
    form = developer.get(f"/cronjobs/{job.id}/pause").text
    assert (field(form, "reason"), field(form, "until")) == ("the boat", "2026-12-01T07:30")
    place.clock.advance(timedelta(days=2))
    developer.post(f"/cronjobs/{job.id}/pause", {"reason": "the sea", "until": ""})
    developer.post(f"/cronjobs/{job.id}/pause", {"back": "/cronjobs"})
    paused = stored(place, job.name)
    assert paused and (paused.suspend_reason, paused.suspended_until) == ("the sea", None)
    developer.post(f"/cronjobs/{job.id}/resume")
    assert "2 runs did not happen" in developer.get(f"/cronjobs/{job.id}").text, "of the whole pause"


def test_the_history_has_what_ran_what_was_skipped_and_what_was_missed(
    place: Place, job: CronJob, logged_in: LogIn
) -> None:
    morning = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    with place.database.writing() as connection:
        rows.tick(connection, morning)
        claim = rows.start(connection, morning)
        rows.tick(connection, morning + timedelta(days=1))  # overlaps: the first run still goes on
        rows.tick(connection, morning + timedelta(days=3, hours=5))  # the server was down for two mornings
        assert claim
    place.clock.advance(timedelta(days=5))
    page = unescape(logged_in("viewer").get(f"/cronjobs/{job.id}").text)
    assert "the run before it was still going" in page
    assert "the server was down" in page
    order = [page.index(words) for words in ("27 Nov 09:00", "26 Nov 09:00", "25 Nov 09:00", "24 Nov 09:00")]
    assert order == sorted(order)


def test_it_asks_before_it_deletes_and_keeps_the_history(place: Place, job: CronJob, logged_in: LogIn) -> None:
    developer = logged_in("developer")
    developer.post(f"/cronjobs/{job.id}/run", {"token": TOKEN})
    assert f"Delete {job.name}?" in developer.get(f"/cronjobs/{job.id}/delete").text
    assert stored(place, job.name) is not None
    assert developer.post(f"/cronjobs/{job.id}/delete").location == "/cronjobs"
    assert developer.get(f"/cronjobs/{job.id}").status_code == 404
    assert developer.get("/runs/1").status_code == 200
    assert "(deleted)" in developer.get("/runs/1").text


def test_the_list_shows_schedule_next_and_last_run(place: Place, job: CronJob, logged_in: LogIn) -> None:
    with place.database.writing() as connection:
        rows.tick(connection, datetime(2026, 11, 24, 8, 0, tzinfo=UTC))
        rows.end(connection, datetime(2026, 11, 24, 8, 0, tzinfo=UTC), rows.ERROR)
    place.clock.advance(timedelta(days=1, hours=2))
    page = unescape(logged_in("viewer").get("/cronjobs").text)
    for words in ("At 09:00 every day", "<code>0 9 * * *</code> · Europe/Berlin", "25 Nov 09:00", "in 22 h", "Failed"):
        assert words in page
    assert 'role="switch"' not in page and "Run now" not in page
    assert "Create New CronJob" not in page
    page = logged_in("developer").get("/cronjobs").text
    assert 'role="switch" aria-checked="true"' in page
    assert "Run now" in page and ">Create New CronJob</a>" in page


def test_the_list_says_when_the_scheduler_is_late(place: Place, job: CronJob, logged_in: LogIn) -> None:
    place.clock.advance(timedelta(days=2))
    assert ">Late<" in logged_in("viewer").get("/cronjobs").text.replace("</svg>Late", "</svg>>Late")


def test_an_empty_list_says_how_to_begin(place: Place, people: dict[str, int], logged_in: LogIn) -> None:
    page = logged_in("developer").get("/cronjobs").text
    assert "Write a function first." in page and 'href="/functions/new"' in page
    with place.database.writing() as connection:
        rows.live_function(connection, 1, "daily-summary-email", place.clock())
    assert ">Create New CronJob</a>" in logged_in("developer").get("/cronjobs").text


def test_the_attempts_at_one_moment_are_together_in_the_history(
    place: Place, function: Function, logged_in: LogIn
) -> None:
    morning = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    with place.database.writing() as connection:
        job = rows.cron_job(connection, function, place.clock(), max_attempts=3)
        rows.tick(connection, morning)
        rows.end(connection, morning, rows.ERROR)
        manual = rows.queued_run(connection, function, morning, cron_job_id=job.id)
        rows.end(connection, morning, rows.OK)
        rows.end(connection, morning + timedelta(minutes=1), rows.OK)
    place.clock.advance(timedelta(days=3))
    page = logged_in("viewer").get(f"/cronjobs/{job.id}").text
    history = page[page.index('aria-label="History"') :]
    shown = [
        (bool(first), int(run)) for first, run in re.findall(r'<tr( class="attempt-row")?>.*?/runs/(\d+)"', history)
    ]
    assert shown == [(False, manual), (False, manual - 1), (True, 1)]
    assert history.count("before that") == 1


def test_what_happens_once_says_so_when_it_has_run(place: Place, function: Function, logged_in: LogIn) -> None:
    with place.database.writing() as connection:
        job = rows.cron_job(connection, function, place.clock(), expression="at 2026-11-24 09:00")
        rows.tick(connection, datetime(2026, 11, 24, 8, 0, tzinfo=UTC))
    assert "its moment has passed; no further run" in logged_in("viewer").get(f"/cronjobs/{job.id}").text
    with place.database.writing() as connection:
        rows.end(connection, datetime(2026, 11, 24, 8, 0, tzinfo=UTC), rows.OK)
    viewer = logged_in("viewer")
    assert "has run; no further run" in viewer.get(f"/cronjobs/{job.id}").text
    assert "Has run" in viewer.get("/cronjobs").text


def test_what_happens_once_may_have_run_when_its_worker_died(
    place: Place, function: Function, logged_in: LogIn
) -> None:
    moment = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    with place.database.writing() as connection:
        job = rows.cron_job(connection, function, place.clock(), expression="at 2026-11-24 09:00")
        rows.tick(connection, moment)
        [claim] = claiming.claim(connection, rows.WORKER, 1, moment)
        assert finishing.reap(connection, claim, 0, moment)
    viewer = logged_in("viewer")
    page = viewer.get(f"/cronjobs/{job.id}").text
    assert "may have run; no further run" in page and "not known</span>" in page
    assert "May have run" in viewer.get("/cronjobs").text
    page = viewer.get(f"/runs/{claim.run_id}").text
    assert "Whether the code began is not known." in page and "<dt>Started</dt><dd>not known</dd>" in page
    assert ">It printed nothing.<" not in page


def test_the_page_of_one_whose_zone_is_gone_says_why_it_is_paused(
    place: Place, function: Function, logged_in: LogIn
) -> None:
    with place.database.writing() as connection:
        job = rows.cron_job(connection, function, place.clock())
        cron_job_pauses.suspend(connection, job, "holidays", place.clock(), place.clock() + timedelta(minutes=1))
        connection.execute(update(t.cron_jobs).values(timezone="Mars/Base"))
        place.clock.advance(timedelta(minutes=2))
        cron_job_pauses.stay_paused(connection, job, "no time zone Mars/Base", place.clock())
    answer = logged_in("viewer").get(f"/cronjobs/{job.id}")
    assert answer.status_code == 200
    assert "Paused: no time zone Mars/Base. It does not run until it is resumed." in unescape(answer.text)
    developer = logged_in("developer")
    refused = developer.post(f"/cronjobs/{job.id}/resume")
    assert refused.status_code == 303 and refused.location == f"/cronjobs/{job.id}/edit"
    form = developer.get(str(refused.location))
    assert form.status_code == 200 and "can't be used any more. Mars/Base is not a time zone" in unescape(form.text)
    mended = GOOD | {"name": job.name, "revision": field(form.text, "revision")}
    assert developer.post(f"/cronjobs/{job.id}/edit", mended).status_code == 303
    assert developer.post(f"/cronjobs/{job.id}/resume").location == f"/cronjobs/{job.id}"
    active = stored(place, job.name)
    assert active and (active.suspended, active.timezone) == (False, "Europe/Berlin")


def lose_zone(place: Place, job: CronJob) -> None:
    """As if the database of zones had lost the CronJob's zone."""
    with place.database.writing() as connection:
        connection.execute(update(t.cron_jobs).where(t.cron_jobs.c.id == job.id).values(timezone="Mars/Base"))


def every_kind(place: Place, function: Function) -> list[CronJob]:
    """One CronJob for each kind of schedule, one of them with a start and an end."""
    bounds = {"starts_at": place.clock(), "ends_at": place.clock() + timedelta(days=9)}
    kinds: list[dict[str, Any]] = [
        {"expression": "0 9 * * *"} | bounds,
        {"expression": "every 2 days from 2026-11-20 09:00"},
        {"expression": "at 2026-11-24 08:30"},
    ]
    with place.database.writing() as connection:
        return [rows.cron_job(connection, function, place.clock(), name=f"k-{n}", **k) for n, k in enumerate(kinds)]


def test_a_zone_that_is_gone_keeps_no_page_from_being_shown(
    place: Place, function: Function, job: CronJob, logged_in: LogIn
) -> None:
    gone = every_kind(place, function)
    for one in gone:
        lose_zone(place, one)
    with place.database.writing() as connection:
        connection.execute(update(t.workspaces).values(timezone="Mars/Base"))
    developer = logged_in("developer")
    for page in ("/", "/cronjobs", "/cronjobs/blackouts", f"/cronjobs/{job.id}"):
        assert developer.get(page).status_code == 200, page
    for one in gone:
        for page in ("", "/why", "/backfill", "/pause", "/edit"):
            shown = developer.get(f"/cronjobs/{one.id}{page}")
            assert shown.status_code == 200, (one.name, page)
            assert f"The time zone of {one.name} can't be used any more. Mars/Base is not" in unescape(shown.text), page
        for page in ("/why?at=2026-11-24T09:00", "/backfill?from=2026-11-20+09:00&to=2026-11-23+09:00"):
            refused = developer.get(f"/cronjobs/{one.id}{page}")
            assert refused.status_code == 422, page
            assert "Choose Edit on its page to give it another one." in refused.text


def test_a_run_of_one_whose_zone_is_gone_has_its_event_and_its_alert(
    place: Place, function: Function, job: CronJob
) -> None:
    lose_zone(place, job)
    moment = place.clock()
    with place.database.writing() as connection:
        connection.execute(update(t.workspaces).values(timezone="Mars/Base"))
        run_id = rows.queued_run(connection, function, moment, cron_job_id=job.id)
        claim = rows.start(connection, moment)
        event = event_for(work.load_runs(connection, place.keys, [claim])[claim], moment)
        assert (event["timezone"], event["nextRuns"]) == ("Mars/Base", [])
        assert finishing.finish(connection, claim, rows.ERROR, moment + timedelta(seconds=2))
        message = outbox.take_due(connection, moment + timedelta(seconds=2), timedelta(seconds=30))
        assert message and message.payload == {"run_id": run_id}
        assert "Ended:     2026-11-23 08:00:02 UTC\n" in letter_for(connection, place.config, message).get_content()


def test_what_has_lost_its_zone_is_paused_and_mended(place: Place, function: Function, logged_in: LogIn) -> None:
    developer = logged_in("developer")
    for one in every_kind(place, function):
        lose_zone(place, one)
        place.clock.advance(timedelta(days=2))  # something is due that nobody can plan any more
        assert developer.post(f"/cronjobs/{one.id}/pause").status_code == 303
        form = {"reason": "no zone", "until": "2027-01-01T09:00"}
        assert "In UTC." in developer.get(f"/cronjobs/{one.id}/pause").text
        changed = developer.post(f"/cronjobs/{one.id}/pause", form)
        assert "does not run until Fri 1 Jan 2027, 09:00 UTC" in unescape(developer.get(str(changed.location)).text)
        assert "2027-01-01T09:00" in developer.get(f"/cronjobs/{one.id}/pause").text
        paused = stored(place, one.name)
        assert paused and paused.suspended and paused.owed_from == one.next_run_at
        mended = GOOD | {"name": one.name, "revision": str(paused.revision)}
        assert developer.post(f"/cronjobs/{one.id}/edit", mended).status_code == 303
        answer = developer.get(f"/cronjobs/{one.id}/why?at={place.clock() - timedelta(days=1):%Y-%m-%dT09:00}")
        assert answer.status_code == 200 and 'aria-label="Answer"' in answer.text
        assert developer.post(f"/cronjobs/{one.id}/resume").location == f"/cronjobs/{one.id}"


def test_one_that_has_lost_its_zone_and_is_due_can_be_given_another(
    place: Place, function: Function, job: CronJob, logged_in: LogIn
) -> None:
    lose_zone(place, job)
    place.clock.advance(timedelta(days=2))
    mended = GOOD | {"name": job.name, "revision": str(job.revision)}
    assert logged_in("developer").post(f"/cronjobs/{job.id}/edit", mended).status_code == 303
    active = stored(place, job.name)
    assert active and active.timezone == "Europe/Berlin" and active.next_run_at


def test_a_long_list_has_pages(place: Place, function: Function, logged_in: LogIn) -> None:
    with place.database.writing() as connection:
        for number in range(101):
            rows.cron_job(connection, function, place.clock(), name=f"job-{number:03}")
    viewer = logged_in("viewer")
    first = viewer.get("/cronjobs").text
    assert "job-099" in first
    assert "job-100" not in first
    following = viewer.get("/cronjobs?after=job-099").text
    assert "job-100" in following and ">job-099<" not in following and "← First" in following
    assert "/cronjobs?after=job-099" in first and "Next →" not in following
    assert "No further CronJob" in viewer.get("/cronjobs?after=z").text


def test_a_cron_job_whose_one_moment_has_passed_can_be_changed_and_get_another(
    place: Place, function: Function, logged_in: LogIn
) -> None:
    developer = logged_in("developer")
    with place.database.writing() as connection:
        job = rows.cron_job(connection, function, place.clock(), expression="at 2026-11-24 09:00")
    place.clock.advance(timedelta(days=3))
    passed = {**GOOD, "name": job.name, "revision": str(job.revision), "expression": "at 2026-11-24 09:00"}
    form = unescape(developer.get(f"/cronjobs/{job.id}/edit").text)
    assert "Once, at 2026-11-24 09:00" in form and "It has no further run." in form and "has passed" not in form
    shown = developer.post("/cronjobs/preview", {**passed, "cron_job": str(job.id)}).text
    assert "It has no further run." in shown
    renamed = developer.post(f"/cronjobs/{job.id}/edit", {**passed, "name": "once"})
    assert renamed.status_code == 303
    again = {**passed, "name": "once", "revision": str(job.revision + 1)}
    for wrong in ({"expression": "at 2026-11-25 09:00"}, {"timezone": "UTC"}):
        refused = developer.post(f"/cronjobs/{job.id}/edit", again | wrong)
        assert refused.status_code == 422
        assert "has passed" in refused.text and "there now. Write a time to come." in refused.text
    said = developer.post(f"/cronjobs/{job.id}/edit", {**again, "expression": "at 2026-12-01 09:00"})
    assert "Next execution: Tue 1 Dec 2026, 09:00 Europe/Berlin" in developer.get(str(said.location)).text
