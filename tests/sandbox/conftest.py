"""Workers of the sandbox's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.harness import Worker, running_worker


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """One worker for a whole file of tests that don't harm it."""
    with running_worker(tmp_path_factory.mktemp("worker") / "data") as started:
        yield started


@pytest.fixture
def own_worker(tmp_path: Path) -> Iterator[Worker]:
    """A worker that the test may harm."""
    with running_worker(tmp_path / "data") as started:
        yield started
