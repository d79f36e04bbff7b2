"""Forms that are sent twice at the same moment, by a double click or by two people. On both databases."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from jinja2 import FileSystemBytecodeCache
from werkzeug.test import TestResponse

from hexasched.config import Config, Mail
from hexasched.secrets import load_key_ring
from hexasched.store import function_versions, history
from hexasched.store.database import Database
from hexasched.store.history import Filter
from tests.web import deploys
from tests.web.browser import Browser
from tests.web.conftest import Clock, Place

FORM = {"name": "hello", "runtime": "node24", "handler_file": "index.js", "source": "let a;", "base": "1"}


@pytest.fixture
def place(database: Database, tmp_path: Path, compiled_templates: FileSystemBytecodeCache) -> Iterator[Place]:
    """An instance without any account, on either database."""
    config = Config(data_dir=tmp_path, mail=Mail(host="127.0.0.1"))
    yield Place(config, database, load_key_ring(tmp_path), Clock(), compiled_templates)


@pytest.fixture
def at_once(logged_in: Callable[[str], Browser]) -> Callable[[str, dict[str, str]], list[TestResponse]]:
    """`at_once(path, form)` sends one form four times at the same moment."""

    def send(path: str, form: dict[str, str]) -> list[TestResponse]:
        forms = [(browser := logged_in("developer"), {"csrf_token": browser.token(), **form}) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(lambda one: one[0].client.post(path, data=one[1]), forms))

    return send


Send = Callable[[str, dict[str, str]], list[TestResponse]]


def test_it_makes_one_function(place: Place, at_once: Send) -> None:
    answers = at_once("/functions/new", FORM)
    assert sorted(answer.status_code for answer in answers) == [303, 422, 422, 422]
    assert deploys.find(place).name == "hello"


def test_it_makes_one_version(place: Place, people: dict[str, int], at_once: Send) -> None:
    deploys.live(place)
    answers = at_once("/functions/hello/deploy", FORM)
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409]
    with place.database.reading() as connection:
        assert [v.number for v in function_versions.versions(connection, deploys.find(place).id)] == [2, 1]


def test_it_makes_one_run(place: Place, people: dict[str, int], at_once: Send) -> None:
    deploys.live(place)
    answers = at_once("/functions/hello/run", {"token": "0123456789abcdef" * 2})
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.location for answer in answers}) == 1
    with place.database.reading() as connection:
        assert len(history.history(connection, deploys.workspace_id(connection), Filter())) == 1


def test_it_keeps_one_environment(place: Place, people: dict[str, int], at_once: Send) -> None:
    deploys.live(place)
    form = {"revision": "0", "env-0-name": "MAIL_TO", "env-0-value": "a@example.org"}
    answers = at_once("/functions/hello/environment", form)
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409]
    assert deploys.find(place).env_revision == 1
