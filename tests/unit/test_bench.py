"""The bench: a measurement whose runs are not all right is no number; the documented table is the last one."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert

from bench import table
from bench.__main__ import RESULTS
from bench.figures import Figure, InvalidError, Measured, middle, ratio
from bench.goals import GOALS
from bench.node import Node, per_second
from bench.proof import nonces, prove, prove_fresh, prove_reused
from hexasched.domain.outcomes import Reason, Status
from hexasched.store import tables as t
from hexasched.store.database import Connection, Database
from hexasched.store.functions import Function
from tests.factories import NOW, make_workspace
from tests.web import rows


@pytest.fixture
def store(empty_database: Path, tmp_path: Path) -> Iterator[Database]:
    file = shutil.copy(empty_database, tmp_path / "hexasched.db")
    with Database(f"sqlite:///{file}") as database:
        yield database


def write_run(
    connection: Connection, function: Function, nonce: str, printed: str | None = None, times: int = 1, **changes: Any
) -> None:
    """A run as the bench's function leaves it; `printed` and `changes` to its outcome are what is wrong with it."""
    line = f"hello {nonce}\n" if printed is None else printed
    outcome = replace(rows.OK, result=json.dumps({"nonce": nonce, "at": 0, "times": times}), log_bytes=len(line))
    run_id = rows.ended_run(connection, function, NOW, replace(outcome, **changes))
    chunk = {"run_id": run_id, "fence": 1, "seq": len(line), "stream": "o", "at": NOW, "data": line.encode()}
    connection.execute(insert(t.log_chunks).values(chunk))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({}, ""),
        ({"nonce": "another"}, "1 are missing, 1 were not asked for"),
        ({"printed": "hello\n"}, "6 bytes of log"),
        ({"log_bytes": 3}, "3 bytes of log"),
        ({"status": Status.FAILED, "reason": Reason.ERROR}, "is failed"),
    ],
)
def test_a_run_that_is_not_right_makes_its_measurement_invalid(
    store: Database, wrong: dict[str, Any], why: str
) -> None:
    asked = nonces(2)
    with store.writing() as connection:
        function = rows.live_function(connection, make_workspace(connection).id, "hello", NOW)
        for number in range(2):
            write_run(connection, function, **{"nonce": asked[number]} | (wrong if number else {}))
    if why:
        with pytest.raises(InvalidError, match=why):
            prove(store, 0, asked)
    else:
        assert sorted(prove(store, 0, asked)) == sorted(asked)


def test_a_row_or_a_log_that_is_missing_makes_a_measurement_invalid(store: Database) -> None:
    asked = nonces(1)
    with store.writing() as connection:
        function = rows.live_function(connection, make_workspace(connection).id, "hello", NOW)
        write_run(connection, function, asked[0])
    with pytest.raises(InvalidError, match="Of 2 runs 1 are missing"):
        prove(store, 0, [*asked, "lost"])
    with store.writing() as connection:
        connection.execute(delete(t.log_chunks))
    with pytest.raises(InvalidError, match="stored is b''"):
        prove(store, 0, asked)


def test_what_was_to_be_isolated_and_was_not_is_no_number_and_the_other_way_round(store: Database) -> None:
    asked = nonces(10)
    with store.writing() as connection:
        function = rows.live_function(connection, make_workspace(connection).id, "hello", NOW)
        for times, nonce in enumerate(asked, start=1):
            write_run(connection, function, nonce, times=times)
    found = [prove(store, 0, asked)[nonce] for nonce in asked]
    prove_fresh(found[:1])
    prove_reused(found)
    with pytest.raises(InvalidError, match="not the first of its process"):
        prove_fresh(found[:2])
    with pytest.raises(InvalidError, match="Only 3 of 4 runs"):
        prove_reused(found[:4])


def test_bare_node_is_only_measured_when_it_said_what_it_should(tmp_path: Path) -> None:
    node = Node(tmp_path)
    assert 0.5 < per_second(node.bare, 4, 2) < 500
    node.script.write_text("process.stdout.write('hello, hello')")
    with pytest.raises(InvalidError, match="hello, hello"):
        node.bare()


def test_a_median_has_its_spread_and_a_ratio_is_taken_round_by_round() -> None:
    found = middle("some_ms", [1.0, 2.0, 3.0, 4.0, 100.0], "ms")
    assert (found.value, found.low) == (3.0, 1.4)
    assert found.high == pytest.approx(61.6)
    assert ratio("some_ratio", [1.0, 20.0, 3.0], [2.0, 10.0, 1.0]).value == 2.0


def test_a_goal_is_told_beside_its_figure_and_may_be_missed() -> None:
    figures = [Figure(name="warm_run_ms", value=15.0, unit="ms"), Figure(name="reuse_per_s", value=799.9, unit="1/s")]
    found = table.collected({"warm": Measured(figures=figures)})["figures"]
    assert found["warm_run_ms"] == {"value": 15.0, "unit": "ms", "goal": "≤ 15", "met": True}
    assert found["reuse_per_s"] == {"value": 799.9, "unit": "1/s", "goal": "≥ 800", "met": False}


def test_the_documented_table_is_that_of_the_kept_results() -> None:
    results = json.loads(RESULTS.read_text())
    documented = table.DOC.read_text()
    assert table.with_table(documented, results) == documented
    assert set(GOALS) <= set(results["figures"]) | set(results["left_out"])
    with pytest.raises(ValueError, match="markers"):
        table.with_table("no table", results)
