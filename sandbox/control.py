"""Tells a process that is ready what to do: one frame on its control pipe, sent in as many parts as it takes."""

import json
import os

from hexasched.domain.limits import SETTLE_GRACE_S
from sandbox.jobs import Job


def control_frame(job: Job, nonce: str) -> bytes:
    """4 bytes of big-endian length, then JSON; the environment and the event travel in here and nowhere else."""
    body = {
        "nonce": nonce,
        "mode": job.mode,
        "handler": job.handler,
        "typescript": job.runtime.typescript,
        "env": job.env,
        "optional_env": job.optional_env,
        "event": job.event,
        "context": job.context,
        "timeout_ms": job.limits.timeout_s * 1000,
        "settle_ms": round(SETTLE_GRACE_S * 1000),
    }
    text = json.dumps(body, separators=(",", ":")).encode("ascii")
    return len(text).to_bytes(4, "big") + text


def send_part(pipe: int, unsent: bytes) -> bytes:
    """Write what fits into the non-blocking `pipe`; returns the rest, which is nothing if nobody reads any more."""
    try:
        return unsent[os.write(pipe, unsent) :]
    except BrokenPipeError:
        return b""  # the process died first; its end says how
