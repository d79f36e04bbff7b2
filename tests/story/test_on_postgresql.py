"""The story's core with PostgreSQL as the store, from the terminal; what its schedule did is looked at last."""

from pathlib import Path

import pytest

from tests.story.on_postgresql import READER, OnPostgresql
from tests.waiting import wait_until

pytestmark = pytest.mark.postgres

FAILS = "export default async () => {\n  throw new Error('no luck today');\n};"


def test_it_deploys_runs_and_alerts_on_postgresql(on_postgresql: OnPostgresql, tmp_path: Path) -> None:
    service, inbox = on_postgresql.service, on_postgresql.inbox
    # Whose address it was is a variable from the terminal, which is a secret, and so not in the result.
    assert service.run("summary")["result"]["accepted"] == ["***"]
    assert READER in [mail["To"] for mail in inbox.mails]
    service.deploy("fails", FAILS, tmp_path)
    assert service.run("fails", check=False)["status"] == "failed"
    wait_until(lambda: "fails failed: no luck today" in inbox.subjects(), deadline_s=60, what="the alert")
