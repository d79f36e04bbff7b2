"""Who hears of failures, through which mail server, and what became of each message."""

import math
import secrets

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from hexasched import doorbell
from hexasched.store import outbox, throttle
from hexasched.store.outbox import Message
from web.access import current_workspace, require
from web.instance import config, database, now

alerts = Blueprint("alerts", __name__)

KINDS = {"run": "Failed run", "missed": "Missed runs", "test": "Test mail"}


@alerts.get("/alerts")
@require("viewer")
def overview() -> str:
    """The rule, the address, the server, the deliveries."""
    with database().reading() as connection:
        deliveries = outbox.deliveries(connection, current_workspace().id)
    server = config().mail
    return render_template(
        "alerts/alerts.html",
        deliveries=deliveries,
        pending=any(is_pending(message) for message in deliveries) and bool(server.host),
        is_pending=is_pending,
        kinds=KINDS,
        server=f"{server.host}:{server.port}" if server.host else "",
        security=server.security,
        sender=server.sender,
        catcher=bool(config().sample.mail_catcher_port),
    )


def is_pending(message: Message) -> bool:
    """Whether a message is still to be sent."""
    return message.sent_at is None and message.dead_at is None


@alerts.post("/alerts/test")
@require("developer")
def send_test() -> Response:
    """Send a test mail to the workspace's alert address."""
    workspace = current_workspace()
    if not config().mail.host:
        flash("No mail server is set, so there is nothing to send a test mail with.", "error")
        return redirect(url_for("alerts.overview"), 303)
    with database().writing() as connection:
        bucket = [f"test-mails:{workspace.id}"]
        if until := throttle.until(connection, throttle.TEST_MAILS, bucket, now()):
            seconds = math.ceil((until - now()).total_seconds())
            flash(f"{throttle.TEST_MAILS.limit} test mails in a minute are enough. Wait {seconds} s.", "error")
            return redirect(url_for("alerts.overview"), 303)
        throttle.note(connection, throttle.TEST_MAILS, bucket, now())
        key = f"test-{secrets.token_hex(16)}"
        outbox.add(connection, workspace.id, key, "test", workspace.alert_email, {}, now())
    doorbell.ring(config().data_dir, doorbell.MAIL)
    flash(f"A test mail to {workspace.alert_email} is on its way. Below you see what becomes of it.", "info")
    return redirect(url_for("alerts.overview"), 303)
