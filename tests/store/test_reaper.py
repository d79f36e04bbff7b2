"""What a dead worker's files still tell of its runs, when its last words never reached the database."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update

from hexasched.domain.outcomes import Status
from hexasched.store import claiming, history, logs, runs
from hexasched.store import tables as t
from hexasched.store.claiming import Claim
from hexasched.store.database import Database
from hexasched.store.run_rows import RunDetail
from sandbox.spool import Spool, now_ms
from tests.factories import make_function, make_run, make_workspace
from workers import never_begun, reaper
from workers.never_begun import MAX_FENCE, note_boot
from workers.reaper import Reaper

WORKER = "ab12"


def claimed(database: Database, folder: Path) -> Claim:
    """A run that a worker took which is dead now, and left its folder."""
    (folder / WORKER / "spool").mkdir(parents=True)
    (folder / WORKER / "lock").touch()
    note_boot(folder / WORKER)
    now = datetime.now(UTC)
    with database.writing() as connection:
        make_run(connection, make_function(connection, make_workspace(connection).id), now=now)
        [claim] = claiming.claim(connection, WORKER, 1, now)
    return claim


def left_behind(database: Database, folder: Path, claim: Claim, *said: tuple[str, int]) -> RunDetail:
    """What the database has of the run when its worker's spool, with these pieces, was found and settled."""
    spool = Spool(folder / WORKER / "spool" / f"run-{claim.run_id}-{claim.fence}.log")
    for stream, at_ms in said:
        spool.add(stream, b"hello\n", at_ms)  # type: ignore[arg-type]
    spool.close(now_ms())
    assert Reaper(database, folder).sweep() == 1
    with database.reading() as connection:
        run = history.detail(connection, 1, claim.run_id)
    assert run and run.status is Status.LOST
    return run


def test_what_has_printed_has_begun_although_nobody_noted_it(database: Database, tmp_path: Path) -> None:
    claim = claimed(database, tmp_path)
    printed = now_ms() + 5
    run = left_behind(database, tmp_path, claim, ("s", printed - 1), ("e", printed), ("o", printed + 9))
    assert run.started_at == datetime.fromtimestamp(printed / 1000, UTC) and not run.may_have_run


def test_what_printed_before_it_was_taken_began_when_it_was_taken(database: Database, tmp_path: Path) -> None:
    claim = claimed(database, tmp_path)
    run = left_behind(database, tmp_path, claim, ("o", now_ms() - 60_000))
    assert run.started_at == run.claimed_at, "its module was loaded ahead"


def test_of_what_printed_nothing_nobody_knows_whether_it_began(database: Database, tmp_path: Path) -> None:
    run = left_behind(database, tmp_path, claimed(database, tmp_path), ("s", now_ms()))
    assert run.started_at is None and run.may_have_run


def settled(database: Database, folder: Path, run_id: int) -> Status:
    """What becomes of the run of a dead worker that left no file of it."""
    Reaper(database, folder).sweep()
    with database.reading() as connection:
        return Status(connection.execute(select(t.runs.c.status).where(t.runs.c.id == run_id)).scalar_one())


def test_what_never_came_to_its_keeper_is_queued_again(database: Database, tmp_path: Path) -> None:
    claim = claimed(database, tmp_path)
    assert settled(database, tmp_path, claim.run_id) is Status.QUEUED
    with database.writing() as connection:
        assert claiming.claim(connection, "other", 1, datetime.now(UTC)) == [
            Claim(run_id=claim.run_id, fence=claim.fence + 2)
        ]


def test_after_a_start_of_the_machine_a_missing_file_tells_nothing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = claimed(database, tmp_path)
    (tmp_path / "boot_id").write_text("another\n")
    monkeypatch.setattr(never_begun, "BOOT_ID", tmp_path / "boot_id")
    assert settled(database, tmp_path, claim.run_id) is Status.LOST


def test_what_somebody_wants_to_stop_is_not_queued_again(database: Database, tmp_path: Path) -> None:
    claim = claimed(database, tmp_path)
    with database.writing() as connection:
        runs.request_cancel(connection, 1, claim.run_id, datetime.now(UTC))
    assert settled(database, tmp_path, claim.run_id) is Status.CANCELLED


def test_what_worker_after_worker_dies_of_before_it_begins_is_lost_in_the_end(
    database: Database, tmp_path: Path
) -> None:
    claim = claimed(database, tmp_path)
    with database.writing() as connection:
        connection.execute(update(t.runs).values(fence=MAX_FENCE + 1))
    assert settled(database, tmp_path, claim.run_id) is Status.LOST


def test_a_sweep_leaves_time_for_its_own_leases_however_much_the_dead_have_printed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaper, "SHIP_S", 0.0)
    claim = claimed(database, tmp_path)
    folder = tmp_path / WORKER
    printed = dict.fromkeys((claim.fence, claim.fence + 1), 2 * reaper.PIECE_CHUNKS + 10)
    for fence, count in printed.items():
        spool = Spool(folder / "spool" / f"run-{claim.run_id}-{fence}.log")
        for number in range(count):  # each in a chunk of its own: the stream changes
            spool.add("oe"[number % 2], b"%d," % number, now_ms())  # type: ignore[arg-type]
        spool.close(now_ms())
    sweeper = Reaper(database, tmp_path)
    stored: list[int] = []
    while folder.exists():
        assert len(list((folder / "spool").iterdir())) == 2, "a file that is missing tells that its run never began"
        assert sweeper.sweep() == (0 if stored else 1), "what it had in hand is ended at once"
        with database.reading() as connection:
            stored.append(len(logs.read(connection, "run", claim.run_id, limit=10_000)))
    assert stored == [1000, 2000, 2010, 3010, 4010, 4020, 4020]
    with database.reading() as connection:
        chunks = logs.read(connection, "run", claim.run_id, limit=10_000)
    whole = b"".join(b"%d," % number for number in range(2010))
    assert b"".join(chunk.data for chunk in chunks) == 2 * whole
