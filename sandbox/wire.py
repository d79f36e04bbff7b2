"""What passes between worker and keeper: frames of a 4-byte length and JSON, and our nouns as JSON and back."""

import json
from collections.abc import Iterator
from typing import Any

from hexasched.domain.kept import Request
from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import ErrorDetail, Outcome, Reason, Status
from sandbox.jobs import Asked, Finished, Job, Message, NotPreloaded, Output, Runtime, SandboxSettings, Started

LENGTH_BYTES = 4
_MESSAGES: dict[str, type[Message]] = {
    "started": Started,
    "output": Output,
    "asked": Asked,
    "finished": Finished,
    "notpreloaded": NotPreloaded,
}


def frame(body: dict[str, Any]) -> bytes:
    """One frame: 4 bytes of big-endian length, then the JSON of `body`."""
    # ASCII escapes carry lone surrogates, which UTF-8 can't.
    text = json.dumps(body, separators=(",", ":")).encode("ascii")
    return len(text).to_bytes(LENGTH_BYTES, "big") + text


def take_frames(received: bytearray) -> Iterator[dict[str, Any]]:
    """The whole frames at the start of `received`, which are removed from it."""
    while len(received) >= LENGTH_BYTES:
        end = LENGTH_BYTES + int.from_bytes(received[:LENGTH_BYTES], "big")
        if len(received) < end:
            return
        body = json.loads(received[LENGTH_BYTES:end])
        del received[:end]
        yield body


def settings_from_json(stored: dict[str, Any]) -> SandboxSettings:
    """The settings that `asdict` made JSON of."""
    return SandboxSettings(**{**stored, "loopback_ports": tuple(stored["loopback_ports"])})


def job_to_json(job: Job) -> dict[str, Any]:
    """A job to the keeper as JSON."""
    # Not asdict: to copy all that is in it takes longer than to send it.
    return {**vars(job), "runtime": vars(job.runtime), "limits": vars(job.limits)}


def job_from_json(stored: dict[str, Any]) -> Job:
    """The job that `job_to_json` made JSON of."""
    return Job(
        **{
            **stored,
            "runtime": Runtime(**stored["runtime"]),
            "limits": Limits(**stored["limits"]),
            "secrets": tuple(stored["secrets"]),
            "optional_env": tuple(stored["optional_env"]),
        }
    )


def message_to_json(message: Message) -> dict[str, Any]:
    """A message to the worker as JSON."""
    body = {"type": type(message).__name__.lower(), **vars(message)}
    match message:
        case Finished(outcome=outcome):
            body["outcome"] = {**vars(outcome), "error": None if outcome.error is None else vars(outcome.error)}
        case Asked(request=request):
            body["request"] = vars(request)
    return body


def message_from_json(stored: dict[str, Any]) -> Message:
    """The message that `message_to_json` made JSON of."""
    fields = {name: value for name, value in stored.items() if name != "type"}
    if stored["type"] == "finished":
        fields["outcome"] = _outcome(fields["outcome"])
    if stored["type"] == "asked":
        fields["request"] = Request(**fields["request"])
    return _MESSAGES[stored["type"]](**fields)


def _outcome(stored: dict[str, Any]) -> Outcome:
    error = stored["error"]
    return Outcome(
        **{
            **stored,
            "status": Status(stored["status"]),
            "reason": Reason(stored["reason"]),
            "error": None if error is None else ErrorDetail(**error),
            "warnings": tuple(stored["warnings"]),
            "env_read": tuple(stored["env_read"]),
            "env_missing": tuple(stored["env_missing"]),
        }
    )
