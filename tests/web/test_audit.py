"""The audit as an owner sees it: who logged in, who tried, who changed what; never what an unknown person typed."""

from collections.abc import Callable

from hexasched.store import audit
from tests.web import rows
from tests.web.browser import Browser
from tests.web.conftest import Place

LogIn = Callable[[str], Browser]


def entries(place: Place, action: str) -> list[audit.Entry]:
    with place.database.reading() as connection:
        return audit.entries(connection, 1, action)


def test_it_says_who_logged_in_and_who_tried(place: Place, logged_in: LogIn) -> None:
    owner, guest = logged_in("owner"), Browser(place.app())
    guest.log_in("viewer@example.org", "a wrong password")
    guest.log_in("hunter2-typed-in-the-wrong-field", "x")
    logged_in("viewer").post("/logout")
    assert [entry.email for entry in entries(place, "login")] == ["viewer@example.org", "owner@example.org"]
    assert [entry.object for entry in entries(place, "login.failed")] == ["an unknown address", "viewer@example.org"]
    assert [entry.email for entry in entries(place, "logout")] == ["viewer@example.org"]
    page = owner.get("/settings/audit").text
    assert "an unknown address" in page and "127.0.0.1" in page and "hunter2" not in page


def test_it_says_who_changed_what_newest_first(place: Place, logged_in: LogIn) -> None:
    with place.database.writing() as connection:
        job = rows.cron_job(connection, rows.live_function(connection, 1, "hello", place.clock()), place.clock())
    owner, developer = logged_in("owner"), logged_in("developer")
    developer.post(f"/cronjobs/{job.id}/pause", {"reason": "<b>Holidays</b>"})
    owner.post("/members", {"email": "new@example.org", "role": "viewer", "password": "seven blue ships"})
    owner.post("/settings", {"name": "Ships", "timezone": "UTC", "alert_email": "ops@example.org"})
    [paused] = entries(place, "cron_job.pause")
    assert paused.email == "developer@example.org" and paused.detail["cron_job_id"] == job.id
    page = owner.get("/settings/audit").text
    deeds = ["settings.change", "member.add", "cron_job.pause", "cron_job.create"]
    found = [page.index(f"<code>{deed}</code>") for deed in deeds]
    assert found == sorted(found) and "seven blue ships" not in page
    assert "&lt;b&gt;Holidays" in page and "<b>Holidays" not in page
    filtered = owner.get("/settings/audit?action=member.add").text
    assert "<code>member.add</code>" in filtered and "<code>cron_job.pause</code>" not in filtered
    assert logged_in("developer").get("/settings/audit").status_code == 403
