"""Who hears of failures: address, server, test mail, deliveries, the strip on every page; and the caught mails."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from hexasched.config import Mail, Sample
from hexasched.doorbell import MAIL, Doorbell
from hexasched.notifier.catcher import keep
from hexasched.store import outbox, settings
from tests.web import rows
from tests.web.browser import Browser
from tests.web.conftest import Place

LogIn = Callable[[str], Browser]
SERVER = Mail(host="smtp.example.org", port=2525, username="mailer", password="very-secret-word")


def as_person(place: Place, name: str, **changes: object) -> Browser:
    browser = Browser(place.app(**changes))
    browser.log_in(f"{name}@example.org")
    return browser


def test_it_shows_the_address_and_the_server_but_never_the_password(place: Place, people: dict[str, int]) -> None:
    owner = as_person(place, "owner", mail=SERVER)
    page = owner.get("/alerts").text
    assert "owner@example.org" in page and "smtp.example.org:2525" in page and "STARTTLS" in page
    for path in ("/alerts", "/settings", "/settings/system", "/"):
        assert "very-secret-word" not in owner.get(path).text
    assert 'href="/settings#alert_email">Change</a>' in page
    assert ">Change</a>" not in as_person(place, "developer", mail=SERVER).get("/alerts").text


def test_it_sends_a_test_mail_and_shows_what_becomes_of_it(place: Place, people: dict[str, int]) -> None:
    developer = as_person(place, "developer", mail=SERVER)
    with Doorbell(place.config.data_dir, MAIL) as bell:
        assert developer.post("/alerts/test").status_code == 303
        assert bell.wait(1)
    page = developer.get("/alerts").text
    assert "Waiting" in page and 'data-refresh="2"' in page
    now = place.clock()
    with place.database.writing() as connection:
        message = outbox.take_due(connection, now, timedelta(seconds=60))
        assert message and (message.kind, message.recipient) == ("test", "owner@example.org")
        outbox.mark_failed(connection, message, "smtp.example.org:2525 said <b>no</b>", now + timedelta(minutes=4), now)
    page = developer.get("/alerts").text
    assert "Trying again" in page and "said &lt;b&gt;no&lt;/b&gt;" in page and "in 4 min" in page
    assert "1 alert was not delivered." in developer.get("/").text
    with place.database.writing() as connection:
        outbox.mark_sent(connection, message.id, now)
    page = developer.get("/alerts").text
    assert "</svg>Sent</span>" in page and "data-refresh" not in page
    assert "not delivered" not in developer.get("/").text


def test_nobody_sends_more_than_five_test_mails_a_minute(place: Place, logged_in: LogIn) -> None:
    developer = logged_in("developer")

    def sent() -> int:
        with place.database.reading() as connection:
            return len(outbox.deliveries(connection, 1))

    for _ in range(7):
        assert developer.post("/alerts/test").status_code == 303
    place.clock.advance(timedelta(seconds=20))
    developer.post("/alerts/test")
    assert "5 test mails in a minute are enough. Wait 40 s." in developer.get("/alerts").text
    assert sent() == 5
    logged_in("outsider").post("/alerts/test")
    assert "are enough" not in logged_in("outsider").get("/alerts").text
    place.clock.advance(timedelta(seconds=41))
    developer.post("/alerts/test")
    assert sent() == 6


def test_two_test_mails_are_two_messages(place: Place, logged_in: LogIn) -> None:
    developer = logged_in("developer")
    for _ in range(2):
        developer.post("/alerts/test")
    with place.database.reading() as connection:
        assert len(outbox.deliveries(connection, 1)) == 2


def test_without_a_server_it_says_how_to_set_one(place: Place, people: dict[str, int]) -> None:
    owner = as_person(place, "owner", mail=Mail())
    page = owner.get("/alerts").text
    assert "Failures will not be sent to anyone." in page and "[mail]" in page
    assert "Send test mail" not in page
    owner.post("/alerts/test")
    assert "No mail server is set" in owner.get("/alerts").text
    with place.database.reading() as connection:
        assert outbox.deliveries(connection, 1) == []


def test_a_failed_run_is_among_the_deliveries_of_its_own_workspace(place: Place, logged_in: LogIn) -> None:
    viewer, outsider = logged_in("viewer"), logged_in("outsider")
    with place.database.writing() as connection:
        function = rows.live_function(connection, 1, "daily-summary-email", place.clock())
        run_id = rows.ended_run(connection, function, place.clock(), rows.ERROR)
    assert f'<a href="/runs/{run_id}">Run {run_id}</a> failed' in viewer.get("/alerts").text
    assert "Nothing was sent yet" in outsider.get("/alerts").text


def test_the_strip_says_when_schedules_do_not_fire_and_nothing_can_run(place: Place, logged_in: LogIn) -> None:
    viewer, now = logged_in("viewer"), place.clock()
    with place.database.writing() as connection:
        settings.save(connection, "scheduler_tick", now.isoformat())
        rows.worker(connection, now)
    assert 'class="strip"' not in viewer.get("/runs").text
    place.clock.advance(timedelta(seconds=31))
    page = viewer.get("/runs").text
    assert "Schedules are not firing: the scheduler is silent. Last heartbeat 31 s ago." in page
    assert "Nothing can run: no worker is present." in page


CAUGHT = b"""From: HexaSched <alerts@example.org>\r
To: owner@example.org\r
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_=3Cb=3E?=\r
MIME-Version: 1.0\r
Content-Type: multipart/alternative; boundary=x\r
\r
--x\r
Content-Type: text/plain; charset=iso-8859-1\r
Content-Transfer-Encoding: 8bit\r
\r
Gr\xfc\xdfe <script>alert(1)</script>\r
--x\r
Content-Type: text/html\r
\r
<p>html part</p>\r
--x--\r
"""


def test_it_shows_caught_mails_as_text(place: Place, people: dict[str, int]) -> None:
    (place.config.data_dir / "mails").mkdir()
    file = keep(place.config.data_dir / "mails", b"X-Envelope-To: boss@example.org\r\n" + CAUGHT)
    viewer = as_person(place, "viewer", sample=Sample(mail_catcher_port=2525))
    listed = viewer.get("/mails").text
    assert "Grüße &lt;b&gt;" in listed and "boss@example.org" in listed
    page = viewer.get(f"/mails/{file.stem}").text
    assert "Grüße &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "html part" not in page and "<script>alert" not in page


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\xff\xfe\x00 no header at all",
        b"Content-Type: text/plain; charset=no-such-charset\r\n\r\nhello \xff",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n--x--\r\n",
        b"Subject: " + b"a" * 5000 + b"\r\nFrom: \xff\xfe\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%%",
        b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nhello",
    ],
)
def test_no_mail_is_too_strange_to_be_shown(place: Place, people: dict[str, int], mail: bytes) -> None:
    (place.config.data_dir / "mails").mkdir()
    file = keep(place.config.data_dir / "mails", mail)
    viewer = as_person(place, "viewer", sample=Sample(mail_catcher_port=2525))
    assert viewer.get("/mails").status_code == 200
    assert viewer.get(f"/mails/{file.stem}").status_code == 200


@pytest.mark.parametrize("name", ["..%2Fsecret", "%2e%2e%2fsecret.key", "1-0123abcd%00", "1-0123ABCD", "1764-0123abcd"])
def test_no_other_file_can_be_read_as_a_mail(place: Place, people: dict[str, int], name: str) -> None:
    (place.config.data_dir / "mails").mkdir()
    (place.config.data_dir / "secret.eml").write_text("secret")
    viewer = as_person(place, "viewer", sample=Sample(mail_catcher_port=2525))
    assert viewer.get(f"/mails/{name}").status_code == 404


def test_without_a_catcher_there_are_no_mails(logged_in: LogIn) -> None:
    assert logged_in("owner").get("/mails").status_code == 404
