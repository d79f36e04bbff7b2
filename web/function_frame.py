"""What all pages of one function share: finding it, its tabs, its standing."""

import secrets
from dataclasses import dataclass
from typing import Any

from flask import render_template, request, url_for

from hexasched.store import function_versions, functions, preloads, waiting
from hexasched.store.database import Connection
from hexasched.store.function_versions import Version
from hexasched.store.functions import Function
from hexasched.store.health import SILENT_AFTER
from web.access import current_workspace, found
from web.instance import now


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A function with the newest of its numbered versions, None before the first deploy.

    `waiting` is how many queued runs will not use the live version, `not_ready` why no process waits for it.
    """

    function: Function
    newest: Version | None
    waiting: int
    not_ready: str

    @property
    def newest_number(self) -> int:
        """0 before the first deploy."""
        return (self.newest and self.newest.number) or 0

    @property
    def unsettled(self) -> Version | None:
        """The newest version if it is not ready: it is being built, or its deploy failed."""
        return self.newest if self.newest and self.newest.state != "ready" else None


def standing(connection: Connection, name: str, *, to_change: bool = False) -> Standing:
    """The function of that name in the workspace of who is asking; the page 404 if there is none.

    `to_change` keeps everybody else from changing it until the transaction ends.
    """
    function = found(functions.by_name(connection, current_workspace().id, name))
    if to_change:
        functions.lock(connection, function.id)
        function = found(functions.by_name(connection, current_workspace().id, name))
    newest = function_versions.versions(connection, function.id, limit=1)
    left = waiting.left_behind(connection, function)
    failed = preloads.of_version(connection, function.live_version_id, now() - SILENT_AFTER)
    return Standing(function=function, newest=newest[0] if newest else None, waiting=left, not_ready=failed)


def live_version(connection: Connection, function: Function) -> Version | None:
    """The version that serves."""
    if function.live_version_id is None:
        return None
    return function_versions.version(connection, function.id, function.live_version_id)


def page(template: str, place: Standing, **context: Any) -> str:
    """One of the function's pages."""
    return render_template(
        f"functions/{template}",
        function=place.function,
        standing=place,
        tabs=_tabs(place.function.name),
        **context,
    )


def _tabs(name: str) -> list[tuple[str, str, bool]]:
    addresses = [
        ("Code", url_for("code.page", name=name)),
        ("Environment", url_for("environment.page", name=name)),
        ("Versions", url_for("versions.index", name=name)),
        ("Runs", url_for("code.runs_of", name=name)),
        ("Data", url_for("function_data.page", name=name)),
        ("Settings", url_for("function_settings.page", name=name)),
    ]
    here = max((a for _, a in addresses if (request.path + "/").startswith(a + "/")), key=len, default="")
    return [(label, address, address == here) for label, address in addresses]


def run_token() -> str:
    """What a form carries so that sending it twice makes one run."""
    return secrets.token_hex(16)
