"""`make torture`: a service under random faults, judged by an oracle that knows nothing of its code.

The seed decides what is done; when it hits what is up to the machine. After a broken promise the data is kept.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests import postgres
from tests.torture import faults
from tests.torture.rig import Wish
from tests.torture.run import Verdict, torture


def main() -> None:
    """Exit 0 if every promise was kept."""
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long faults happen")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--backend", choices=["sqlite", "postgres"], default="sqlite")
    wanted = parser.parse_args()
    print(f"seed {wanted.seed}, {wanted.backend}, {wanted.seconds:.0f} s", flush=True)
    with database_url(wanted.backend) as url:
        chosen = faults.POSTGRES if url else faults.ALL
        verdict = torture(Wish(seed=wanted.seed, database_url=url), wanted.seconds, chosen)
    show(verdict)
    sys.exit(1 if verdict.broken else 0)


@contextmanager
def database_url(backend: str) -> Iterator[str]:
    """The address of an empty database of a throw-away server; empty for SQLite."""
    if backend == "sqlite":
        yield ""
        return
    with postgres.server() as address, postgres.fresh_database(address) as url:
        yield url


def show(verdict: Verdict) -> None:
    """Figures, then what was broken."""
    for name, figure in sorted(verdict.figures.items()):
        print(f"  {name:<28} {figure:g}")
    for broken in verdict.broken:
        print(f"BROKEN {broken}")
    print(f"the data is in {verdict.folder}" if verdict.broken else "every promise was kept", flush=True)


if __name__ == "__main__":
    main()
