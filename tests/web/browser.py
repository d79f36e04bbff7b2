"""A person at the dashboard, without a browser: keeps cookies and sends the CSRF token that a page shows."""

import re
from collections.abc import Mapping
from html import unescape

from flask import Flask
from werkzeug.test import TestResponse

PASSWORD = "four green boats sail"
_TOKEN = re.compile(r'<meta name="csrf-token" content="([^"]+)">')


class Browser:
    """One browser; `address` is where its requests seem to come from."""

    def __init__(self, app: Flask, address: str = "127.0.0.1") -> None:
        self.client = app.test_client()
        self._from = {"REMOTE_ADDR": address}

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page; header names are written with underscores."""
        return self.client.get(path, headers=_headers(headers), environ_base=self._from, buffered=True)

    def post(self, path: str, data: Mapping[str, str | list[str]] | None = None, /, **headers: str) -> TestResponse:
        """Send a form, with the token of the page that the form would be on."""
        form = {"csrf_token": self.token(), **(data or {})}
        return self.client.post(path, data=form, headers=_headers(headers), environ_base=self._from)

    def token(self) -> str:
        """This session's CSRF token, from a page that everybody can open."""
        found = _TOKEN.search(self.get("/setup").text) or _TOKEN.search(self.get("/no-such-page").text)
        assert found, "a page has no CSRF token"
        return unescape(found[1])

    def log_in(self, email: str, password: str = PASSWORD, **fields: str) -> TestResponse:
        """Fill in the log-in form."""
        return self.post("/login", {"email": email, "password": password, **fields})


def _headers(names: dict[str, str]) -> dict[str, str]:
    return {"Accept": "text/html", **{name.replace("_", "-"): value for name, value in names.items()}}
