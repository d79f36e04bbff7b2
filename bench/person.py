"""Somebody at the dashboard, over HTTP: logs in, opens pages, presses Run now."""

import re
import secrets
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlencode

from bench.figures import InvalidError

_TOKEN = re.compile(r'<meta name="csrf-token" content="([^"]+)"')


class Person:
    """One browser without a screen; each request is a connection of its own."""

    def __init__(self, port: int, password: str) -> None:
        """Log in as owner@example.org."""
        self._port = port
        self._cookies: dict[str, str] = {}
        self._token = self._find_token("/login")
        self._post("/login", {"email": "owner@example.org", "password": password})
        self._token = self._find_token("/")

    def open(self, path: str) -> str:
        """The text of a page. Raises InvalidError unless there is one."""
        answer, text = self._ask("GET", path)
        if answer.status != 200:
            raise InvalidError(f"{path} answered {answer.status}.")
        return text

    def run_now(self, function: str, event: str) -> int:
        """Run a function; the id of its run, once that is accepted."""
        form = {"run_event": event, "token": secrets.token_hex(16)}
        return int(self._post(f"/functions/{function}/run", form).rpartition("/")[2])

    def _find_token(self, path: str) -> str:
        found = _TOKEN.search(self.open(path))
        if found is None:
            raise InvalidError(f"{path} has no CSRF token.")
        return found[1]

    def _post(self, path: str, form: dict[str, str]) -> str:
        """Where the answer leads to."""
        answer, _ = self._ask("POST", path, urlencode(form | {"csrf_token": self._token}))
        if answer.status not in {302, 303}:
            raise InvalidError(f"{path} answered {answer.status}.")
        return answer.headers["Location"]

    def _ask(self, method: str, path: str, body: str = "") -> tuple[HTTPResponse, str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer, text
