"""What `hexasched doctor` says of a service that runs elsewhere than the command."""

from datetime import UTC, datetime
from pathlib import Path

from hexasched.cli.checkup import look
from hexasched.cli.instance import Instance, prepare
from hexasched.config import load
from hexasched.store import workers
from hexasched.store.workers import Worker


def test_the_sandbox_that_counts_is_the_running_workers_not_that_of_the_terminal(tmp_path: Path) -> None:
    config = load('[sandbox]\nminimum = "bubblewrap+cgroup"\n', {}, tmp_path)
    instance = Instance(config, None)
    prepare(instance)
    now = datetime.now(UTC)
    row = Worker(
        id="w1",
        host="here",
        pid=1,
        slots=1,
        facts={"sandbox": "bubblewrap+cgroup"},
        started_at=now,
        seen_at=now,
        draining=False,
    )
    with instance.database.writing() as connection:
        workers.register(connection, row)
    findings = look(instance)
    assert any(found.ok and "(bubblewrap+cgroup)" in found.what for found in findings), findings
    assert not any(found.fatal and not found.ok for found in findings)
