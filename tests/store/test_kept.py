"""What functions keep between their runs, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from hexasched.domain import kept as rules
from hexasched.domain.kept import Request
from hexasched.domain.outcomes import Outcome, Reason, Status
from hexasched.secrets import KeyRing
from hexasched.store import claiming, finishing, functions, kept, once
from hexasched.store import tables as t
from hexasched.store.database import Connection, Database
from hexasched.store.kept_rows import Shelf, TooMuchError, shelf_of
from hexasched.store.once import Turn
from tests.factories import NOW, make_function, make_run, make_workspace

KEYS = KeyRing([(b"test", b"k" * 32)])
LATER = NOW + timedelta(days=31)
WORK = Request(id=1, op="begin", key="mail 1", token=1)
DONE = replace(WORK, op="done", value='{"sent":3}')


def place(connection: Connection, *, trigger: str = "manual", function: functions.Function | None = None) -> Shelf:
    """The shelf of a fresh run that is going; of a new function unless one is given."""
    function = function or make_function(connection, make_workspace(connection).id)
    run_id = make_run(connection, function, trigger=trigger)
    claim = next(one for one in claiming.claim(connection, "w1", 9, NOW) if one.run_id == run_id)
    found = shelf_of(connection, claim)
    assert found is not None
    return found


def another(connection: Connection, like: Shelf) -> Shelf:
    """The shelf of another run of the same function."""
    function = functions.by_id(connection, 1, like.function_id)
    assert function
    return place(connection, function=function)


def end(connection: Connection, shelf: Shelf) -> None:
    outcome = Outcome(status=Status.FAILED, reason=Reason.ERROR)
    assert finishing.finish(connection, shelf.claim, outcome, NOW)


def put(connection: Connection, shelf: Shelf, key: str, value: str = "1", ttl_s: int = rules.TTL_S) -> None:
    kept.put(connection, KEYS, shelf, Request(id=1, op="set", key=key, value=value, ttl_s=ttl_s), NOW)


def test_it_keeps_replaces_lists_and_forgets_values(database: Database) -> None:
    with database.writing() as connection:
        shelf = place(connection)
        for key in ("b/2", "a", "b/1", "B"):
            put(connection, shelf, key, f'"{key}"')
        put(connection, shelf, "a", '"new"')
        other = another(connection, shelf)
        assert kept.get(connection, KEYS, other, "a", NOW) == '"new"'
        assert kept.names(connection, other, "b/", NOW) == ["b/1", "b/2"]
        assert kept.names(connection, other, "", NOW) == ["B", "a", "b/1", "b/2"]
        assert kept.remove(connection, other, "a", NOW)
        assert not kept.remove(connection, other, "a", NOW)
        assert kept.get(connection, KEYS, shelf, "a", NOW) is None


def test_a_function_sees_only_its_own_and_a_test_run_only_those_of_test_runs(database: Database) -> None:
    with database.writing() as connection:
        mine = place(connection)
        put(connection, mine, "a")
        stranger = make_function(connection, mine_workspace(connection), "other")
        theirs = place(connection, function=stranger)
        assert kept.get(connection, KEYS, theirs, "a", NOW) is None
        assert kept.names(connection, theirs, "", NOW) == []
        connection.execute(
            update(t.versions).where(t.versions.c.function_id == mine.function_id).values(number=None)
        )  # as a draft's
        draft = another(connection, mine)
        assert (mine.draft, draft.draft) == (False, True)
        assert kept.get(connection, KEYS, draft, "a", NOW) is None
        put(connection, draft, "a", '"of the test"')
        assert kept.get(connection, KEYS, mine, "a", NOW) == "1"


def mine_workspace(connection: Connection) -> int:
    return int(connection.execute(select(t.workspaces.c.id)).scalar_one())


def test_who_has_lost_its_run_has_no_shelf(database: Database) -> None:
    with database.writing() as connection:
        shelf = place(connection)
        assert shelf_of(connection, replace(shelf.claim, fence=shelf.claim.fence + 1)) is None
        end(connection, shelf)
        assert shelf_of(connection, shelf.claim) is None


def test_values_live_their_time(database: Database) -> None:
    with database.writing() as connection:
        shelf = place(connection)
        put(connection, shelf, "short", ttl_s=60)
        put(connection, shelf, "long")
        minute = NOW + timedelta(seconds=60)
        assert kept.get(connection, KEYS, shelf, "short", minute - timedelta(seconds=1)) == "1"
        assert kept.get(connection, KEYS, shelf, "short", minute) is None
        assert kept.names(connection, shelf, "", minute) == ["long"]
        assert kept.forget_expired(connection, minute) == 1
        assert kept.forget_expired(connection, LATER) == 1


def test_nothing_readable_is_in_the_table_but_what_pages_show(database: Database) -> None:
    with database.writing() as connection:
        shelf = place(connection)
        put(connection, shelf, "k", '"a-refresh-token"')
        row = connection.execute(select(t.kept)).one()
    assert b"refresh" not in bytes(row.ciphertext)
    assert row.size == len('k"a-refresh-token"')


def test_there_is_room_for_so_many_keys_and_bytes(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rules.MAX_KEYS, "value", 3)
    monkeypatch.setattr(rules, "MAX_BYTES", 100)
    with database.writing() as connection:
        shelf = place(connection)
        for key in "abc":
            put(connection, shelf, key, ttl_s=60 if key == "a" else 600)
        put(connection, shelf, "c", '"again"')
        with pytest.raises(TooMuchError, match=r"has 3 keys of context\.kv"):
            put(connection, shelf, "d")
        late = Request(id=1, op="set", key="d", value="1")
        kept.put(connection, KEYS, shelf, late, NOW + timedelta(seconds=60))
        kept.remove(connection, shelf, "b", NOW)
        with pytest.raises(TooMuchError, match="more than 0 MB"):
            put(connection, shelf, "d", f'"{"x" * 100}"')
        once.begin(connection, KEYS, shelf, WORK, NOW)  # has room of its own


def test_the_first_does_the_work_and_the_others_get_its_result(database: Database) -> None:
    with database.writing() as connection:
        first = place(connection)
        second = another(connection, first)
        assert once.begin(connection, KEYS, first, WORK, NOW) == Turn()
        assert once.begin(connection, KEYS, first, WORK, NOW) == Turn(), "the same call asks again"
        assert once.begin(connection, KEYS, second, WORK, NOW) == Turn(held_by=first.claim.run_id)
        same_run = replace(WORK, token=2)
        assert once.begin(connection, KEYS, first, same_run, NOW) == Turn(held_by=first.claim.run_id)
        assert not once.complete(connection, KEYS, second, DONE, NOW)
        assert once.complete(connection, KEYS, first, DONE, NOW)
        assert once.complete(connection, KEYS, first, DONE, NOW), "the commit's answer may have got lost"
        assert once.begin(connection, KEYS, second, WORK, NOW) == Turn(value='{"sent":3}')
        end(connection, first)
        assert once.begin(connection, KEYS, second, WORK, NOW) == Turn(value='{"sent":3}')
        assert once.begin(connection, KEYS, second, WORK, LATER) == Turn(), "after thirty days"
        assert kept.get(connection, KEYS, second, WORK.key, NOW) is None, "values have keys of their own"


def test_work_that_failed_or_whose_run_died_is_free_again(database: Database) -> None:
    with database.writing() as connection:
        first = place(connection)
        second = another(connection, first)
        once.begin(connection, KEYS, first, WORK, NOW)
        once.give_up(connection, second, WORK)
        assert once.begin(connection, KEYS, second, WORK, NOW) == Turn(held_by=first.claim.run_id), (
            "not theirs to give up"
        )
        once.give_up(connection, first, WORK)
        assert once.begin(connection, KEYS, second, WORK, NOW) == Turn()
        end(connection, second)
        assert once.begin(connection, KEYS, first, WORK, NOW) == Turn()
        assert not once.complete(connection, KEYS, second, DONE, NOW), "it is the first one's again"
        once.complete(connection, KEYS, first, DONE, NOW)
        once.give_up(connection, first, WORK)
        assert once.begin(connection, KEYS, first, WORK, NOW) == Turn(value='{"sent":3}'), "done is done"


def test_a_deleted_function_keeps_nothing(database: Database) -> None:
    with database.writing() as connection:
        shelf = place(connection)
        put(connection, shelf, "k")
        functions.remove(connection, mine_workspace(connection), shelf.function_id, NOW)
        assert connection.execute(select(func.count()).select_from(t.kept)).scalar_one() == 0
