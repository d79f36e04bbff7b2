"""From a claimed run to the keeper's job."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import ErrorDetail, Outcome, Reason, Status
from hexasched.errors import FULL_DISK, StoreBusyError, is_full_disk
from hexasched.store import artifacts
from hexasched.store import work as stored
from hexasched.store.claiming import Claim
from hexasched.store.coming import VersionWork
from hexasched.store.work import RunWork
from sandbox.jobs import Job, Network
from workers import environments
from workers.event import context_for, event_for
from workers.files import has_modules, modules_folder, unpack_modules, version_folder
from workers.shop import Shop


def load_all(shop: Shop, claims: Sequence[Claim]) -> dict[Claim, RunWork | Exception]:
    """Claimed runs with everything about them, or what keeps us from running them: that is our failure.

    Raises StoreBusyError.
    """
    try:
        return {**_load(shop, claims)}
    except StoreBusyError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not keep the others from running
        if len(claims) == 1:
            return {claims[0]: error}
        return {claim: found for single in claims for claim, found in load_all(shop, [single]).items()}


def _load(shop: Shop, claims: Sequence[Claim]) -> dict[Claim, RunWork]:
    with shop.database.reading() as connection:
        return stored.load_runs(connection, shop.keys, claims)


def unpacking(shop: Shop, work: RunWork) -> Future[Path] | None:
    """The helper's unpacking of the run's packages; None if there are none, or they lie on this host already."""
    artifact_id = work.artifact_id
    if artifact_id is None or has_modules(shop.data_dir, artifact_id):
        return None
    return shop.helper.submit(lambda: shop.helper.patiently(lambda: modules_for(shop, artifact_id)))


def template_for(shop: Shop, work: RunWork | VersionWork) -> Job:
    """What is the same for all runs of a version whose packages are unpacked."""
    modules = None if work.artifact_id is None else str(modules_folder(shop.data_dir, work.artifact_id))
    return Job(
        key=f"version-{work.version_id}",
        mode="run",
        runtime=shop.runtimes[work.program.runtime],
        code_dir=str(version_folder(shop.data_dir, work.version_id, work.program, work.analysis.get("module"))),
        handler=work.program.handler_file,
        limits=work.program.limits,
        workspace=str(work.workspace_id),
        network=network_of(work.program.limits),
        modules_dir=modules,
    )


def job_for(shop: Shop, work: RunWork) -> Job:
    """The job of a run whose packages are unpacked."""
    template = template_for(shop, work)
    same_env = template.limits.same_env
    return replace(
        template,
        key=f"run-{work.claim.run_id}-{work.claim.fence}",
        env=work.env,
        secrets=work.secret_names,
        optional_env=optional_names(work),
        event=event_for(work, datetime.now(UTC)),
        context=context_for(work),
        environment=environments.name_of(work.env, work.secret_names) if same_env else "",
    )


def network_of(limits: Limits) -> Network:
    """The network that a function with these limits has."""
    return "none" if limits.offline else "outbound"


def modules_for(shop: Shop, artifact_id: str) -> Path:
    """The packages of an artifact, unpacked now if they are not yet. It may take long: for the helper."""
    with shop.database.reading() as connection:
        return unpack_modules(shop.data_dir, artifact_id, artifacts.pieces(connection, artifact_id))


def internal_failure(reason: Exception) -> Outcome:
    """The outcome of a run that we, not its code, failed to start. Only our own log knows more than that."""
    message = f"HexaSched could not start this run. {said_of(reason)}"
    error = ErrorDetail(type="InternalError", message=message)
    return Outcome(status=Status.FAILED, reason=Reason.INTERNAL, error=error)


def said_of(reason: Exception) -> str:
    """What a page says of a failure of ours."""
    return FULL_DISK if is_full_disk(reason) else "The service's log has the reason."


def optional_names(work: RunWork | VersionWork) -> tuple[str, ...]:
    """The variables that every place in the code reads with a fallback."""
    uses = work.analysis.get("env", [])
    needed = {use["name"] for use in uses if not use["optional"]}
    return tuple({use["name"] for use in uses} - needed)
