"""Names for environments: the same for the same variables and values, and telling nothing of them."""

import hmac
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from functools import cache


@cache
def _key(_pid: int) -> bytes:
    """Of one process, also where processes are forked: a name is of use only between a worker and its keeper."""
    return secrets.token_bytes(32)


def name_of(variables: Mapping[str, str], secret_names: Iterable[str]) -> str:
    """The name of these variables with their values, of which some are secret."""
    text = json.dumps([dict(variables), sorted(secret_names)], sort_keys=True)
    return hmac.new(_key(os.getpid()), text.encode(), "sha256").hexdigest()
