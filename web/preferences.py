"""What a reader chooses for themselves, kept in cookies: the zone of times, light or dark."""

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from hexasched.domain.zones import zone_names
from web.access import public
from web.auth import safe_next
from web.instance import config

preferences = Blueprint("preferences", __name__)

_YEAR_S = 365 * 86400


@preferences.post("/preferences")
@public
def save() -> Response:
    """Keep `theme` (light, dark, auto) or `zone` (a zone's name; empty: the workspace's), and go back."""
    response = redirect(safe_next(request.form.get("back", "")) or url_for("home.home"), 303)
    chosen = request.form.get("theme")
    if chosen in {"light", "dark", "auto"}:
        _keep(response, "theme", chosen if chosen != "auto" else "")
    zone = request.form.get("zone")
    if zone is not None and (zone == "" or zone in zone_names()):
        _keep(response, "zone", zone)
    return response


def _keep(response: Response, name: str, value: str) -> None:
    if not value:
        response.delete_cookie(name)
        return
    secure = config().base_url.startswith("https://")
    response.set_cookie(name, value, max_age=_YEAR_S, httponly=True, samesite="Lax", secure=secure)
