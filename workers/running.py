"""From a claimed run to the keeper's job."""

from datetime import UTC, datetime
from pathlib import Path

from hexasched.domain.outcomes import ErrorDetail, Outcome, Reason, Status
from hexasched.store import artifacts
from hexasched.store import work as stored
from hexasched.store.runs import Claim
from hexasched.store.work import RunWork
from sandbox.jobs import Job
from workers.event import context_for, event_for
from workers.files import modules_folder, version_folder
from workers.shop import Shop


def job_for(shop: Shop, claim: Claim) -> Job:
    """The job of a claimed run. Raises whatever keeps us from running it: that is our failure, not the user's."""
    with shop.database.reading() as connection:
        work = stored.load_run(connection, shop.keys, claim)
    return Job(
        key=f"run-{claim.run_id}-{claim.fence}",
        mode="run",
        runtime=shop.runtimes[work.program.runtime],
        code_dir=str(version_folder(shop.data_dir, work.version_id, work.program, work.analysis.get("module"))),
        handler=work.program.handler_file,
        limits=work.program.limits,
        workspace=str(work.workspace_id),
        modules_dir=_modules(shop, work.artifact_id),
        env=work.env,
        secrets=work.secret_names,
        optional_env=optional_names(work),
        event=event_for(work, datetime.now(UTC)),
        context=context_for(work),
    )


def modules_for(shop: Shop, artifact_id: str) -> Path:
    """The unpacked packages of an artifact."""
    with shop.database.reading() as connection:
        return modules_folder(shop.data_dir, artifact_id, artifacts.pieces(connection, artifact_id))


def internal_failure() -> Outcome:
    """The outcome of a run that we, not its code, failed to start. What it was is only in our own log."""
    message = "HexaSched could not start this run. The service's log has the reason."
    error = ErrorDetail(type="InternalError", message=message)
    return Outcome(status=Status.FAILED, reason=Reason.INTERNAL, error=error)


def optional_names(work: RunWork) -> tuple[str, ...]:
    """The variables that every place in the code reads with a fallback."""
    uses = work.analysis.get("env", [])
    needed = {use["name"] for use in uses if not use["optional"]}
    return tuple({use["name"] for use in uses} - needed)


def _modules(shop: Shop, artifact_id: str | None) -> str | None:
    return None if artifact_id is None else str(modules_for(shop, artifact_id))
