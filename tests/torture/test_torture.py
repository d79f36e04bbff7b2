"""A short torture on every run of the tests; `make torture` is the long one."""

from tests.torture import faults
from tests.torture.rig import Wish, new_folder
from tests.torture.run import torture


def test_every_promise_is_kept_through_kills_freezes_locks_and_edits() -> None:
    verdict = torture(Wish(seed=20261123), 20, faults.ALL, new_folder())
    assert not verdict.broken, (verdict.broken, verdict.figures, verdict.folder)
