"""What `hexasched doctor` looks at."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hexasched.cli.instance import Instance
from hexasched.domain import tiers
from hexasched.domain.limits import MIB, MIN_FREE_BYTES
from hexasched.domain.tiers import Tier
from hexasched.errors import HexaSchedError, SandboxError, StoreError
from hexasched.store import accounts, health, preloads, workers
from hexasched.store.database import SAFE_SQLITE, sqlite_module

RECENT = timedelta(seconds=30)
LOW_DISK = 200 * MIB


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; a fatal one keeps the service from working."""

    ok: bool
    what: str
    fatal: bool = False


def look(instance: Instance) -> list[Finding]:
    """Everything, the most basic first."""
    findings = [_data_dir(instance), *_sandbox(instance), *_database(instance)]
    if all(finding.ok or not finding.fatal for finding in findings):
        findings += _service(instance)
    host = instance.config.mail.host
    told = f"Alerts go through {host}:{instance.config.mail.port}."
    findings.append(Finding(bool(host), told if host else "No mail server is set (mail.host): failures reach nobody."))
    return findings


def _data_dir(instance: Instance) -> Finding:
    data_dir = instance.config.data_dir
    free = shutil.disk_usage(data_dir).free
    needed = "" if free >= MIN_FREE_BYTES else f"; the service needs {MIN_FREE_BYTES // MIB} MB"
    what = f"Data folder {data_dir}: {free // MIB:,} MB free{needed}."
    return Finding(free > LOW_DISK, what, fatal=free < MIN_FREE_BYTES)


def _sandbox(instance: Instance) -> list[Finding]:
    from workers.facts import runtimes

    try:
        tier = _tier(instance)
    except SandboxError as error:
        found = [Finding(False, str(error), fatal=True)]
    else:
        gaps = "".join(f"\n        - {gap}" for gap in tier.gaps)
        what = f"Sandbox: {tier.label} ({tier.name}). It does not protect from:{gaps}"
        found = [Finding(tier is not tiers.NONE, what)]
    found += [Finding(False, trouble) for trouble in _warm_troubles(instance)]
    labels = ", ".join(f"{runtime.label} ({runtime.version})" for runtime in runtimes())
    return [*found, Finding(bool(labels), f"Runtimes: {labels or 'none'}.", fatal=True)]


def _tier(instance: Instance) -> Tier:
    """The weakest of the running workers': their surroundings count, not this command's. Without any, by trying."""
    from workers.facts import choose_tier

    names = {facts.get("sandbox") for facts in _worker_facts(instance)}
    running = [tier for tier in tiers.ALL if tier.name in names]
    return running[-1] if running else choose_tier(instance.config)


def _warm_troubles(instance: Instance) -> list[str]:
    """What is wrong with the memory of processes that wait: what the running workers say, else what one would say."""
    from workers.budget import budget_for, memory_here

    present = _worker_facts(instance)
    said = {str(facts.get("warm_trouble", "")) for facts in present}
    return sorted(filter(None, said if present else {budget_for(instance.config, memory_here()).trouble}))


def _worker_facts(instance: Instance) -> list[dict[str, Any]]:
    try:
        with instance.database.reading() as connection:
            return [worker.facts for worker in workers.present(connection, datetime.now(UTC) - RECENT)]
    except StoreError:
        return []


def _database(instance: Instance) -> list[Finding]:
    try:
        database = instance.database
    except HexaSchedError as error:
        return [Finding(False, str(error), fatal=True)]
    findings = [Finding(True, f"Database: {database.url.render_as_string(hide_password=True)}.")]
    if database.is_sqlite:
        version = sqlite_module().sqlite_version
        safe = sqlite_module().sqlite_version_info >= SAFE_SQLITE
        note = "" if safe else "; older than 3.51.3, which mends a rare corruption with several processes"
        findings.append(Finding(safe, f"SQLite {version}{note}."))
    return findings


def _service(instance: Instance) -> list[Finding]:
    with instance.database.reading() as connection:
        has_users = accounts.has_users(connection)
        cold = preloads.all_of(connection, datetime.now(UTC) - RECENT)
        found = health.look(connection, datetime.now(UTC))
    wrong = found.troubles
    asleep = " Is the service running?"
    stuck = f"{wrong.get('cron_job', '')} Save {', '.join(found.stuck)} again, and look into the scheduler's log."
    return [
        Finding(has_users, "There is an account." if has_users else "No account yet: hexasched setup-code"),
        Finding(bool(found.present), f"Workers present: {len(found.present)}." + ("" if found.present else asleep)),
        Finding(
            "scheduler" not in wrong, wrong["scheduler"] + asleep if "scheduler" in wrong else "The scheduler ticks."
        ),
        Finding("cron_job" not in wrong, stuck if "cron_job" in wrong else "Every active CronJob has its next run."),
        Finding("overdue" not in wrong, wrong.get("overdue", "No work is overdue.")),
        *(Finding(False, one.sentence) for one in cold),
    ]
