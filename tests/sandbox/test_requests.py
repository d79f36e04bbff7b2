"""What code asks while it runs: it gets through, it is bounded, and nobody else has to wait for it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from hexasched.domain.kept import Request
from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import Outcome, Status
from sandbox.jobs import Asked, Job
from sandbox.mask import Masker
from sandbox.requests import BURST, Gate, RefusedError, parse_request
from tests.sandbox.harness import Worker
from tests.waiting import wait_until

NONCE = "0" * 32
Answers = Callable[[Request], dict[str, Any]]


def asked(worker: Worker, job: Job) -> list[Request]:
    """All that the job has asked so far."""
    worker.listen()
    return [one.request for one in worker.said if isinstance(one, Asked) and one.key == job.key]


def served(worker: Worker, source: str, answers: Answers, **changes: Any) -> tuple[Outcome, list[Request]]:
    """How a function ends whose requests get these answers, and what they were."""
    job = worker.submit(source, **changes)
    done = 0

    def serve() -> bool:
        nonlocal done
        for request in asked(worker, job)[done:]:
            worker.order(type="answer", key=job.key, answer={"id": request.id, **answers(request)})
            done += 1
        return worker.has_ended(job)

    wait_until(serve, deadline_s=30, what="the end of the function")
    return worker.end_of(job), asked(worker, job)


def handler(body: str) -> str:
    return f"export default async (event, context) => {{ {body} }}"


def test_it_passes_requests_on_and_answers_back(worker: Worker) -> None:
    source = handler("""
        await context.kv.set('a/ä', { deep: [1, 'é', '"'.repeat(9)] }, { ttlSeconds: 60 });
        return [await context.kv.get('a/ä'), await context.kv.get('no') ?? 'nothing',
                await context.kv.delete('a/ä'), await context.kv.list('a/')];""")

    def answers(request: Request) -> dict[str, Any]:
        value = {"a/ä": '{"x":"ü"}'}.get(request.key)
        known: dict[str, dict[str, Any]] = {
            "get": {"value": value},
            "delete": {"deleted": True},
            "list": {"keys": ["a/1"]},
        }
        return known.get(request.op, {})

    outcome, requests = served(worker, source, answers)
    assert (outcome.status, outcome.warnings) == (Status.SUCCEEDED, ())
    assert json.loads(outcome.result or "") == [{"x": "ü"}, "nothing", True, ["a/1"]]
    assert [(one.op, one.key) for one in requests] == [
        ("set", "a/ä"),
        ("get", "a/ä"),
        ("get", "no"),
        ("delete", "a/ä"),
        ("list", "a/"),
    ]
    assert (json.loads(requests[0].value or ""), requests[0].ttl_s) == ({"deep": [1, "é", '"' * 9]}, 60)


def test_large_values_fit_in_both_directions(worker: Worker) -> None:
    source = handler("""
        const long = '"'.repeat(32760);
        await context.kv.set('big', long);
        const all = await Promise.all(Array.from({ length: 8 }, () => context.kv.get('big')));
        return all.every((one) => one === long);""")
    big = json.dumps('"' * 32760)
    outcome, requests = served(worker, source, lambda request: {"value": big} if request.op == "get" else {})
    assert (outcome.result, len(requests)) == ("true", 9)
    assert requests[0].value == big
    assert len(requests[0].shown) <= 1001


def test_too_much_at_once_is_a_clear_error_and_costs_nobody_anything(worker: Worker) -> None:
    source = handler("""
        const failed = async (many) => {
            const all = await Promise.allSettled(Array.from({ length: many }, (_, n) => context.kv.get(`${n}`)));
            return all.filter((one) => one.reason).map((one) => one.reason.code);
        };
        const busy = await failed(10);
        const codes = new Set();
        let calls = 0;
        while (codes.size === 0) { (await failed(8)).forEach((code) => codes.add(code)); calls += 8; }
        return { busy, codes: [...codes], calls };""")
    outcome, _ = served(worker, source, lambda _: {"value": None})
    assert outcome.result is not None, outcome
    found = json.loads(outcome.result)
    assert (found["busy"], found["codes"]) == (["KV_BUSY", "KV_BUSY"], ["KV_RATE"])
    assert found["calls"] > 42


MISTAKES = [
    ("kv.get(7)", "KV_KEY", "not number"),
    ("kv.get('')", "KV_KEY", "at least one"),
    ("kv.get('x'.repeat(257))", "KV_KEY", "at most 256"),
    ("kv.get('a\\nb')", "KV_KEY", "control character"),
    ("kv.set('k', undefined)", "KV_VALUE", "context.kv.delete"),
    ("kv.set('k', 'x'.repeat(70000))", "KV_VALUE", "at most 64 KB"),
    ("kv.set('k', 1n)", "KV_VALUE", "BigInt"),
    ("kv.set('k', 1, { ttlSeconds: 0 })", "KV_TTL", "from 1 to"),
    ("kv.set(`my ${process.env.TOKEN}`, 1)", "KV_KEY", "secret variable"),
    ("once('k')", "KV_CALL", "async () =>"),
]


def test_it_explains_calls_that_can_not_work(worker: Worker) -> None:
    calls = ", ".join(f"() => context.{call}" for call, _, _ in MISTAKES)
    source = handler(f"""
        const said = [];
        for (const call of [{calls}]) await call().catch((e) => said.push([e.name, e.code, e.message]));
        return said;""")
    outcome, requests = served(worker, source, lambda _: {}, env={"TOKEN": "s3cret-value"}, secrets=("TOKEN",))
    found = json.loads(outcome.result or "")
    assert [(name, code) for name, code, _ in found] == [("KvError", code) for _, code, _ in MISTAKES]
    for (_, _, message), (call, _, said) in zip(found, MISTAKES, strict=True):
        assert said in message, call
    assert requests == []


def test_an_error_names_the_line_that_made_the_call(worker: Worker) -> None:
    refusal = {"error": "KV_LIMIT", "message": "There is no room."}
    for call in ("kv.set('k', 1)", "once('k', () => 1)"):
        source = f"export default async (event, context) => {{\n  await context.{call};\n}}"
        outcome, _ = served(worker, source, lambda _: refusal)
        assert outcome.error
        assert (outcome.error.type, outcome.error.message, outcome.error.code) == (
            "KvError",
            "There is no room.",
            "KV_LIMIT",
        )
        assert (outcome.error.file, outcome.error.line) == ("index.mjs", 2), outcome.error.stack


def test_what_a_page_shows_of_a_value_is_masked_and_the_value_is_not(worker: Worker) -> None:
    source = handler("await context.kv.set('k', { token: process.env.TOKEN })")
    _, requests = served(worker, source, lambda _: {}, env={"TOKEN": "s3cret-value"}, secrets=("TOKEN",))
    assert [(one.value, one.shown) for one in requests] == [('{"token":"s3cret-value"}', '{"token":"***"}')]


def test_a_request_that_nobody_awaited_still_arrives(worker: Worker) -> None:
    outcome, requests = served(worker, handler("context.kv.set('late', 1); return 'done'"), lambda _: {})
    assert (outcome.result, outcome.warnings, len(requests)) == ('"done"', (), 1)


def test_an_unanswered_request_is_named_when_it_is_cut_off(worker: Worker) -> None:
    job = worker.submit(handler("context.kv.get('never'); return 'done'"))
    outcome = worker.end_of(job)
    assert outcome.result == '"done"'
    assert "1 × call of context.kv" in outcome.warnings[0]


def test_once_does_it_keeps_it_and_gives_it_up(worker: Worker) -> None:
    source = handler("""
        const first = await context.once('a', async () => ({ sent: 3 }));
        const failed = await context.once('b', () => { throw new Error('no') }).catch((e) => e.message);
        const known = await context.once('c', () => { throw new Error('never called') });
        const odd = await context.once('d', () => 1n).catch((e) => e.message);
        return { first, failed, known, odd };""")

    def answers(request: Request) -> dict[str, Any]:
        if request.op != "begin":
            return {}
        return {"state": "mine", "value": '"kept"' if request.key == "c" else None, "by": None}

    outcome, requests = served(worker, source, answers)
    found = json.loads(outcome.result or "")
    assert (found["first"], found["failed"], found["known"]) == ({"sent": 3}, "no", "kept")
    assert "BigInt" in found["odd"] and "later calls get null" in found["odd"]
    assert [(one.op, one.key, one.value) for one in requests] == [
        ("begin", "a", None),
        ("done", "a", '{"sent":3}'),
        ("begin", "b", None),
        ("drop", "b", None),
        ("begin", "c", None),
        ("begin", "d", None),
        ("done", "d", "null"),
    ]
    assert requests[0].token == requests[1].token != requests[2].token


def test_once_waits_for_another_run_and_says_who_it_is_in_the_end(worker: Worker) -> None:
    source = handler("return context.once('a', () => 'mine').catch((e) => [e.code, e.message])")
    seen: list[int] = []

    def held_at_first(request: Request) -> dict[str, Any]:
        seen.append(request.id)
        return {"state": "held", "value": None, "by": 7} if len(seen) < 4 else {"state": "mine", "value": '"its"'}

    assert served(worker, source, held_at_first)[0].result == '"its"'
    held = {"state": "held", "value": None, "by": 7}
    outcome, _ = served(worker, source, lambda _: held, limits=Limits(timeout_s=2))
    code, message = json.loads(outcome.result or "")
    assert code == "KV_HELD"
    assert "Run 7 is still at “a”" in message


FLOOD = """import fs from 'node:fs'
export default async () => {
    const text = JSON.stringify({ nonce: '0'.repeat(32), id: 1, op: 'get', key: 'a', ttl_s: 0, token: 0 })
    const many = `Q ${text.length}\\n${text}`.repeat(1000)
    for (let end = Date.now() + 1500; Date.now() < end;) fs.writeSync(3, many)
    return 'flooded'
}"""


def test_forged_requests_reach_nobody_and_hold_up_nobody(worker: Worker) -> None:
    job = worker.submit(FLOOD)
    worker.start_of(job)
    other = worker.run("export default () => 'quick'")
    assert (other.result, worker.has_ended(job)) == ('"quick"', False)
    assert (worker.end_of(job).result, asked(worker, job)) == ('"flooded"', [])


def test_the_gate_lets_all_through_that_honest_code_can_ask() -> None:
    gate = Gate()
    passed = 0
    for second in range(1, 4):
        for _ in range(50):  # all that was sent in a second arrives at its end
            passed += gate.enter(float(second))
            gate.leave()
    assert passed == 150
    assert [gate.enter(3.0) for _ in range(9)] == [True] * 8 + [False]
    for _ in range(8):
        gate.leave()
    flood = 0
    while gate.enter(3.0):
        gate.leave()
        flood += 1
    assert flood <= BURST


def ask(**changes: Any) -> bytes:
    body = {"nonce": NONCE, "id": 1, "op": "set", "key": "k", "value": "1", "ttl_s": 60, "token": 0, **changes}
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "1" * 32},
        {"op": "drop table"},
        {"key": "x" * 257},
        {"key": "a\x00b"},
        {"key": ""},
        {"key": "\ud800"},
        {"key": None},
        {"value": "x"},
        {"value": '"' + "x" * 65536 + '"'},
        {"value": "[" * 101 + "]" * 101},
        {"value": '"\ud800"'},
        {"value": {"not": "a text"}},
        {"ttl_s": -1},
        {"ttl_s": 10**9},
        {"ttl_s": True},
        {"id": 1.5},
        {"token": "1"},
    ],
)
def test_it_refuses_what_the_runtime_would_not_send(changes: dict[str, Any]) -> None:
    assert parse_request(ask(), NONCE, Masker([])).value == "1"
    with pytest.raises(ValueError):
        parse_request(ask(**changes), NONCE, Masker([]))


def test_a_key_with_a_secret_in_it_is_refused_with_words() -> None:
    with pytest.raises(RefusedError, match="keys are shown on pages"):
        parse_request(ask(key="my-s3cret-value"), NONCE, Masker(["s3cret-value"]))


def test_answers_to_code_that_does_not_listen_hold_up_nobody(worker: Worker) -> None:
    source = handler("""
        const all = Array.from({ length: 8 }, () => context.kv.get('big'));
        for (const end = Date.now() + 1500; Date.now() < end;);
        return (await Promise.all(all)).every((one) => one.length === 60000);""")
    job = worker.submit(source)
    wait_until(lambda: len(asked(worker, job)) == 8, deadline_s=10, what="eight requests")
    big = json.dumps("x" * 60000)
    for request in asked(worker, job):
        worker.order(type="answer", key=job.key, answer={"id": request.id, "value": big})
    assert worker.run("export default () => 'quick'").result == '"quick"'
    assert not worker.has_ended(job)
    assert worker.end_of(job).result == "true"


def test_code_that_closes_the_pipe_of_its_answers_harms_only_itself(worker: Worker) -> None:
    source = "import fs from 'node:fs';" + handler("fs.closeSync(4); context.kv.get('a'); return 'done'")
    job = worker.submit(source)
    outcome = worker.end_of(job)
    worker.order(type="answer", key=job.key, answer={"id": 1, "value": None})
    assert outcome.status in (Status.SUCCEEDED, Status.FAILED)
    assert worker.run("export default () => 'next'").result == '"next"'
