"""Who changed what in the workspace; for its owners."""

from datetime import datetime

from flask import Blueprint, render_template, request

from hexasched.store import audit as store
from web.access import current_workspace, require
from web.addresses import here, id_of
from web.instance import database

audit = Blueprint("audit", __name__)

ON_A_PAGE = 50


@audit.get("/settings/audit")
@require("owner")
def page() -> str:
    """The entries, newest first; the query's action and before choose which."""
    action, before = request.args.get("action", ""), id_of(request.args.get("before"))
    chosen = action if action in store.ACTIONS else None
    with database().reading() as connection:
        found = store.entries(connection, current_workspace().id, chosen, before, ON_A_PAGE + 1)
    shown = found[:ON_A_PAGE]
    return render_template(
        "settings/audit.html",
        entries=shown,
        actions=[("", "Everything"), *((word, word) for word in store.ACTIONS)],
        words=store.ACTIONS,
        chosen=chosen or "",
        said=said,
        newer=here(before=None) if before is not None else None,
        older=here(before=shown[-1].id) if len(found) > ON_A_PAGE else None,
    )


def said(detail: dict[str, object]) -> list[tuple[str, str]]:
    """The details of an entry that say something, as (name, text)."""
    return [(name.replace("_", " "), _text(value)) for name, value in detail.items() if value not in (None, "", [])]


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    try:
        return f"{datetime.fromisoformat(str(value)):%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, str) else str(value)
    except ValueError:
        return str(value)
