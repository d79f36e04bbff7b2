"""A fault of ours in one piece of the keeper's work ends that piece, and not the keeper with all others."""

from collections.abc import Callable
from functools import wraps
from typing import Protocol, TypeVar

from hexasched import logs


class Piece(Protocol):
    """What can be ended for itself."""

    @property
    def key(self) -> str:
        """Its name in our log."""

    def give_up(self) -> None:
        """End it as our own failure."""


AnyPiece = TypeVar("AnyPiece", bound=Piece)


def guarded(step: Callable[[AnyPiece], None]) -> Callable[[AnyPiece], None]:
    """A step that gives its piece up when it fails, whatever the failure was; that is logged."""

    @wraps(step)
    def guarded_step(piece: AnyPiece) -> None:
        try:
            step(piece)
        except Exception:  # noqa: BLE001 - see above
            logs.failure("sandbox.failed", step=step.__qualname__, key=piece.key)
            piece.give_up()

    return guarded_step
