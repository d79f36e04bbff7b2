"""Does a step for many at once, and where one of them makes it fail, for each alone, so that it fails alone."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from hexasched import logs
from hexasched.errors import TryAgainError

Item = TypeVar("Item")
Step = Callable[[Sequence[Item]], None]


def all_or_each(
    what: str,
    items: Sequence[Item],
    step: Step[Item],
    refused: Callable[[Item], None],
    *,
    more: Step[Item] | None = None,
) -> None:
    """Do `step`, a transaction, for all `items` (and `more`, which is a step with more in it), or else for each alone.

    `refused` is called while the exception is handled with which it fails for one alone. `what` is for our log. Raises
    TryAgainError, and then some may be done: the whole is to be repeated.
    """
    if not items:
        return
    try:
        (more or step)(items)
    except TryAgainError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not keep the others from being done
        logs.warning("store.not_together", what=what, count=len(items), error=type(error).__name__)
        for item in items:
            _alone(item, step, refused)


def _alone(item: Item, step: Step[Item], refused: Callable[[Item], None]) -> None:
    try:
        step([item])
    except TryAgainError:
        raise
    except Exception:  # noqa: BLE001 - one row that the database refuses must not end who looks after all of them
        refused(item)
