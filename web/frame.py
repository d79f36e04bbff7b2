"""What the frame of every page shows: navigation, the system strip, the reader's zone and theme."""

from collections.abc import Callable
from typing import Any, cast
from zoneinfo import ZoneInfo

from flask import Flask, g, request
from flask_login import current_user

from hexasched import __version__
from hexasched.domain.zones import load_zone, zone_names
from web import show, words
from web.access import current_workspace, may
from web.instance import config, database, now
from web.security import nonce, request_id
from web.sessions import Person
from web.system import warnings

NAVIGATION = (
    ("Home", "/", "home"),
    ("Functions", "/functions", "function"),
    ("CronJobs", "/cronjobs", "calendar"),
    ("Runs", "/runs", "list"),
    ("Alerts", "/alerts", "bell"),
    ("Settings", "/settings", "gear"),
)

StripLine = tuple[str, str, tuple[str, str] | None]
"""Tone ("failed" or "warning"), a sentence, and where to go (label, address) if there is such a place."""


def install(app: Flask, asset: Callable[[str], str]) -> None:
    """Give every template of `app` what the frame needs."""
    app.context_processor(_frame)
    app.jinja_env.globals.update(
        asset=asset, csp_nonce=nonce, request_id=request_id, may=may, look=words.look, reasons=words.REASONS
    )
    app.jinja_env.filters.update(
        iso=show.iso,
        duration=show.duration,
        size=show.size,
        with_code=show.with_code,
        full_time=lambda moment: show.full_time(moment, zone()),
        short_time=lambda moment: show.short_time(moment, zone(), now()),
        utc_time=lambda moment: show.full_time(moment, load_zone("UTC")),
        relative=lambda moment: show.relative(moment, now()),
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def zone() -> ZoneInfo:
    """The zone that the reader wants times in: UTC, their browser's, or (by default) the workspace's."""
    if "zone" not in g:
        chosen = request.cookies.get("zone", "")
        person = _person()
        preferred = [chosen, person.workspace.timezone if person and person.workspace else ""]
        g.zone = load_zone(next((name for name in preferred if name in zone_names()), "UTC"))
    found: ZoneInfo = g.zone
    return found


def _person() -> Person | None:
    # The page that says that something broke must not need the part that broke.
    if "failed" in g or not current_user.is_authenticated:
        return None
    return cast(Person, current_user)


def theme() -> str:
    """`light`, `dark` or `auto`, as the reader chose."""
    chosen = request.cookies.get("theme", "auto")
    return chosen if chosen in {"light", "dark"} else "auto"


def _frame() -> dict[str, Any]:
    person = _person()
    return {
        "navigation": [(label, request.script_root + path, icon, _is_here(path)) for label, path, icon in NAVIGATION],
        "person": person,
        "workspace": person.workspace if person else None,
        "strip": strip() if person and person.workspace else [],
        "theme": theme(),
        "zone": zone().key,
        "zone_choice": request.cookies.get("zone", ""),
        "now": now(),
        "version": __version__,
    }


LABELS = {"/alerts": "Alerts", "/downtimes": "Downtimes"}
"""What a link of the system strip says."""

BESIDE = {"/": ("/downtimes",), "/alerts": ("/mails",), "/settings": ("/members",)}
"""Further paths that belong to a section."""


def _is_here(path: str) -> bool:
    inside = (path, *BESIDE.get(path, ()))
    return request.path in inside or (path != "/" and request.path.startswith(tuple(f"{one}/" for one in inside)))


def strip() -> list[StripLine]:
    """What everybody should know on every page; empty when all is well."""
    shown = {"/alerts"} | ({"/downtimes"} if may("developer") else set())
    with database().reading() as connection:
        found = warnings(connection, config(), current_workspace().id, now())
    return [
        (tone, text, (LABELS[path], request.script_root + path) if path in shown else None)
        for tone, text, path in found
    ]
