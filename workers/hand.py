"""What a worker has in hand: claimed work, and how far its log was shipped."""

import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from hexasched.domain.outcomes import Outcome
from hexasched.store.build_claims import BuildClaim
from hexasched.store.claiming import Claim
from hexasched.store.logs import Kind
from sandbox.jobs import Job
from workers.builds import BuildState


@dataclass(kw_only=True)
class InHand:
    """One claimed run or build. `key` names its current job at the keeper; `ended` is set when that job is over."""

    claim: Claim | BuildClaim
    key: str
    spool: Path
    build: BuildState | None = None
    preparing: Future[Any] | None = None  # what the helper does for its next job
    claimed_at: float = field(default_factory=time.monotonic)
    job: Job | None = field(default=None, repr=False)  # of a run for which all is prepared, until the keeper has it
    leaving: bool = False  # it is being given back: it never begins here
    submitted_at: float | None = None  # monotonic: since when the keeper has its job
    started_at: datetime | None = None
    marked: bool = False  # the row says that it started
    stopping: bool = False
    concluding: bool = False  # a build without a further stage
    grown: bool = False  # the spool has something that is not shipped yet
    shipped: int = 0  # offset in the spool
    unsure: bool = False  # a shipment was begun, and whether it was committed is not known
    log_base: int = 0  # where the log of a build's earlier stages ended: seqs go on from there
    ended: Outcome | None = None
    refusals: int = 0  # how often the database refused its end for another reason than that it was busy
    untold_until: float = 0.0  # monotonic: the database refused what was told of it; its end tells it anyway
    rests_until: float = 0.0  # monotonic: when its end is tried again

    @property
    def submitted(self) -> bool:
        """Whether the keeper has its job."""
        return self.submitted_at is not None

    @property
    def unbegun(self) -> bool:
        """Whether it is a run that the keeper never had."""
        return isinstance(self.claim, Claim) and not self.submitted and self.ended is None

    @property
    def waits(self) -> bool:
        """Whether it is a run that only lacks a slot."""
        return self.unbegun and self.job is not None and not self.leaving

    @property
    def unmarked(self) -> bool:
        """Whether it is a run that has started, and its row does not say so yet."""
        return self.started_at is not None and not self.marked and isinstance(self.claim, Claim)

    @property
    def kind(self) -> Kind:
        """Which table its log goes to."""
        return "run" if isinstance(self.claim, Claim) else "build"

    @property
    def parent_id(self) -> int:
        """The row's id."""
        return self.claim.run_id if isinstance(self.claim, Claim) else self.claim.build_id


Hands = dict[str, InHand]
"""What one worker has in hand, by the key of the current job."""
