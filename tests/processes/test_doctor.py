"""What `hexasched doctor` says of a service that runs elsewhere than the command."""

from datetime import UTC, datetime
from pathlib import Path

from hexasched.cli.checkup import look
from hexasched.cli.instance import Instance, prepare
from hexasched.config_loader import load
from hexasched.store import workers
from hexasched.store.workers import Worker


def test_the_sandbox_that_counts_is_the_running_workers_not_that_of_the_terminal(tmp_path: Path) -> None:
    config = load('[sandbox]\nminimum = "bubblewrap+cgroup"\n[workers]\nwarm_mb = 30\n', {}, tmp_path)
    instance = Instance(config, None)
    prepare(instance)
    now = datetime.now(UTC)
    row = Worker(
        id="w1",
        host="here",
        pid=1,
        slots=1,
        facts={"sandbox": "bubblewrap+cgroup", "warm_trouble": "workers.warm_mb is 9,999, but …"},
        started_at=now,
        seen_at=now,
        draining=False,
    )
    said = [found.what for found in look(instance) if "warm_mb" in found.what]
    assert said == [
        "workers.warm_mb is 30, and a process that waits takes 48 MB: none waits, every run starts cold. "
        "Set it to 48 or more, or to 0 if that is meant."
    ], "without a worker, what one would say here"
    with instance.database.writing() as connection:
        workers.register(connection, row)
    findings = look(instance)
    assert [found.what for found in findings if "warm_mb" in found.what] == ["workers.warm_mb is 9,999, but …"]
    assert any(found.ok and "(bubblewrap+cgroup)" in found.what for found in findings), findings
    assert not any(found.fatal and not found.ok for found in findings)
