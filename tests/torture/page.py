"""A person who edits CronJobs at the dashboard while it is being killed."""

import re
from http.client import HTTPException
from http.cookiejar import CookieJar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

from tests.processes.service import PASSWORD

_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')


class Page:
    """One browser without a screen."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def log_in(self) -> bool:
        """As the owner. Whether there was an answer."""
        return self._answered("/login", email="owner@example.org", password=PASSWORD)

    def save(self, cron_job_id: int, fields: dict[str, str]) -> bool:
        """Save the form of a CronJob. Whether there was an answer: if there was none, it may be saved or not."""
        return self._answered(f"/cronjobs/{cron_job_id}/edit", **fields)

    def _answered(self, path: str, **fields: str) -> bool:
        try:
            self._post(path, **fields)
        except HTTPError:
            return True
        except (URLError, HTTPException, OSError):
            return False
        return True

    def _post(self, path: str, **fields: str) -> None:
        with self._opener.open(f"{self._address}/login", timeout=30) as shown:
            found = _TOKEN.search(shown.read().decode())
        assert found, "a page has no CSRF token"
        form = urlencode({"csrf_token": found[1], **fields}).encode()
        self._opener.open(f"{self._address}{path}", form, timeout=30).close()
