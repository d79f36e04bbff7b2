"""How many processes may wait: what the setting says, as far as the memory is there; and what is said if it is not."""

from dataclasses import replace
from pathlib import Path

import pytest

from hexasched.config import Config, Workers
from hexasched.domain.limits import MIB
from sandbox.reuse import COST_MB
from workers.budget import Memory, budget_for, memory_here

CONFIG = Config(data_dir=Path("/nowhere"))


TOO_LITTLE = (
    "workers.warm_mb is 30, and a process that waits takes 48 MB: none waits, every run starts cold. "
    "Set it to 48 or more, or to 0 if that is meant."
)
NO_ROOM = (
    "workers.warm_mb is 256, but this machine has 512 MB for everything: every run starts cold. "
    "Set it to 0, or give the service more memory."
)
LESS_ROOM = (
    "workers.warm_mb is 1,048,576 for each of 2 workers, but this machine has 2,048 MB for everything: only 16 of "
    "21,845 processes wait, other runs start cold. Set it to at most 768, or give the service more memory."
)


@pytest.mark.parametrize(
    ("warm_mb", "count", "memory_mb", "room", "said"),
    [
        (0, 1, 100, 0, ""),
        (256, 1, 1024, 5, ""),
        (COST_MB, 1, 1024, 1, ""),
        (30, 1, 1024, 0, TOO_LITTLE),
        (256, 1, 512, 0, NO_ROOM),
        (1_048_576, 2, 2048, 16, LESS_ROOM),
    ],
)
def test_as_many_wait_as_there_is_memory_for(warm_mb: int, count: int, memory_mb: int, room: int, said: str) -> None:
    config = replace(CONFIG, workers=Workers(warm_mb=warm_mb, count=count))
    found = budget_for(config, Memory(mb=memory_mb, owner="this machine"))
    assert (found.room, found.trouble) == (room, said)
    if said:
        cured = int(said.partition("Set it to ")[2].removeprefix("at most ").split()[0].rstrip(",").replace(",", ""))
        again = replace(CONFIG, workers=Workers(warm_mb=cured, count=count))
        assert budget_for(again, Memory(mb=memory_mb, owner="this machine")).trouble == "", "what it says to do helps"


def test_the_strictest_control_group_around_the_process_counts(tmp_path: Path) -> None:
    here = tmp_path / "cgroup"
    machine = memory_here(tmp_path, _member(here, "0::/\n"))
    assert machine.owner == "this machine" and machine.mb > 100
    inner = tmp_path / "system.slice" / "hexasched.service" / "service"
    inner.mkdir(parents=True)
    (inner / "memory.max").write_text("max\n")
    (inner.parent / "memory.max").write_text(f"{64 * MIB}\n")
    (inner.parent.parent / "memory.max").write_text(f"{90 * MIB}\n")
    inside = memory_here(tmp_path, _member(here, "0::/system.slice/hexasched.service/service\n"))
    assert inside == Memory(mb=64, owner="its control group")
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text(f"{32 * MIB}\n")
    # Of version 1 a container sees its own group at the top, and its name on the host.
    old = memory_here(tmp_path, _member(here, "5:cpu:/docker/a1\n4:memory:/docker/a1\n0::/\n"))
    assert old == Memory(mb=32, owner="its control group")


def _member(file: Path, text: str) -> Path:
    file.write_text(text)
    return file
