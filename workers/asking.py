"""Answers what the code of runs asks while it runs, all that has come since the last round in one transaction."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hexasched import logs
from hexasched.domain.kept import Op, Request
from hexasched.errors import FULL_DISK, HexaSchedError, StoreBusyError, StoreFullError
from hexasched.store import kept, once
from hexasched.store.claiming import Claim
from hexasched.store.database import Connection
from hexasched.store.kept_rows import Shelf, TooMuchError, shelf_of
from workers.shop import Shop

READ_ONLY: tuple[Op, ...] = ("get", "list")
Answer = dict[str, Any]

LOST = {
    "error": "KV_LOST",
    "message": "This run has lost its place: another worker may have taken over. It can't write.",
}
TAKEN = {"error": "KV_LOST", "message": "Somebody deleted this key meanwhile: the result is not kept."}
OURS = {"error": "KV_FAILED", "message": "HexaSched could not answer this. The service's log has the reason."}


@dataclass(frozen=True, kw_only=True)
class Question:
    """A request, by whom, and the job at the keeper that waits for the answer."""

    job_key: str
    claim: Claim
    request: Request


def answer_all(shop: Shop, questions: list[Question]) -> None:
    """Answer them and empty the list. Raises StoreBusyError, and then they are all still there."""
    if not questions:
        return
    now = datetime.now(UTC)
    reading = all(question.request.op in READ_ONLY for question in questions)
    try:
        with shop.database.reading() if reading else shop.database.writing() as connection:
            answers = _answers(shop, connection, questions, now)
    except StoreFullError:
        answers = [{"error": "KV_FULL", "message": FULL_DISK} for _ in questions]
    except StoreBusyError:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, the code must not wait for ever, and the worker must go on
        logs.failure("kept.failed")
        answers = [OURS for _ in questions]
    for question, answer in zip(questions, answers, strict=True):
        shop.keeper.answer(question.job_key, {"id": question.request.id, **answer})
    questions.clear()


def _answers(shop: Shop, connection: Connection, questions: list[Question], now: datetime) -> list[Answer]:
    shelves = {claim: shelf_of(connection, claim) for claim in _each(questions)}
    answers = []
    for question in questions:
        place = shelves[question.claim]
        answers.append(LOST if place is None else _answer(shop, connection, place, question.request, now))
    return answers


def _each(questions: list[Question]) -> list[Claim]:
    # In one order everywhere: their rows are locked.
    return sorted({question.claim for question in questions}, key=lambda claim: claim.run_id)


def _answer(shop: Shop, connection: Connection, place: Shelf, request: Request, now: datetime) -> Answer:
    try:
        return _done(shop, connection, place, request, now)
    except TooMuchError as error:
        return {"error": "KV_LIMIT", "message": str(error)}
    except HexaSchedError as error:
        if isinstance(error, StoreBusyError):
            raise
        logs.failure("kept.unreadable", function=place.function_id)
        return {"error": "KV_FAILED", "message": str(error)}


def _done(shop: Shop, connection: Connection, place: Shelf, request: Request, now: datetime) -> Answer:
    match request.op:
        case "get":
            return {"value": kept.get(connection, shop.keys, place, request.key, now)}
        case "set":
            kept.put(connection, shop.keys, place, request, now)
        case "delete":
            return {"deleted": kept.remove(connection, place, request.key, now)}
        case "list":
            return {"keys": kept.names(connection, place, request.key, now)}
        case "begin":
            turn = once.begin(connection, shop.keys, place, request, now)
            return {"state": "mine" if turn.held_by is None else "held", "value": turn.value, "by": turn.held_by}
        case "done":
            return {} if once.complete(connection, shop.keys, place, request, now) else TAKEN
        case "drop":
            once.give_up(connection, place, request)
    return {}
