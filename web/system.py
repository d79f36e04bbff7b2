"""What everybody should know of the service on every page: what does not work, alerts that reach nobody."""

from datetime import datetime, timedelta

from hexasched.config import Config
from hexasched.store import downtimes, outbox
from hexasched.store.database import Connection
from hexasched.store.health import disk_trouble, look
from web import gap_words, show

JUMPS_SHOWN = timedelta(hours=24)
"""How long every page tells of a clock that jumped."""


def warnings(connection: Connection, config: Config, workspace_id: int, now: datetime) -> list[tuple[str, str, str]]:
    """What everybody should know on every page: (tone, sentence, path of the page with more); empty if all is well."""
    lines: list[tuple[str, str, str]] = []
    if config.sandbox.mode == "none":
        lines.append(("failed", "Functions run without a sandbox: as you, with all rights of the service.", ""))
    found = look(connection, now)
    troubles = found.troubles
    if "scheduler" in troubles:
        last = f"Last heartbeat {show.relative(found.tick, now)}." if found.tick else "There was no heartbeat yet."
        lines.append(("failed", f"Schedules are not firing: the scheduler is silent. {last}", ""))
    if "worker" in troubles:
        lines.append(("failed", "Nothing can run: no worker is present. Runs wait until one is.", ""))
    lines += [("failed", troubles[name], "") for name in ("cron_job", "overdue") if name in troubles]
    for jump in downtimes.jumps_since(connection, now - JUMPS_SHOWN):
        lines.append(("warning", f"{gap_words.sentence(jump)}, {show.relative(jump.created_at, now)}.", "/downtimes"))
    if full := disk_trouble(config.data_dir):
        lines.append(("failed", full, ""))
    if not config.mail.host:
        lines.append(("warning", "No mail server is set up: failures will not be sent to anyone.", "/alerts"))
    elif count := outbox.undelivered(connection, workspace_id):
        what = "1 alert was" if count == 1 else f"{count} alerts were"
        lines.append(("failed", f"{what} not delivered.", "/alerts"))
    return lines
