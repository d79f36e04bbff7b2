"""The file that a job's output is kept in."""

import os
import stat
from pathlib import Path

import pytest

from sandbox.lines import LineCut
from sandbox.spool import HEADER, Record, Spool, read_records


def pieces(path: Path, offset: int = 0) -> list[tuple[str, bytes]]:
    """Streams and data of all records."""
    return [(record.stream, record.data) for record in read_records(path, offset)]


def test_records_come_back_as_they_were_written(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "log")
    spool.add("o", b"one\n", 1000)
    spool.add("e", b"\xff\x00", 2000)
    spool.close(3000)
    first, second = read_records(tmp_path / "log")
    assert first == Record(stream="o", at_ms=1000, data=b"one\n", end=HEADER.size + 4)
    assert second == Record(stream="e", at_ms=2000, data=b"\xff\x00", end=spool.size)
    assert spool.size == (tmp_path / "log").stat().st_size
    assert (spool.kept, spool.dropped) == (6, 0)


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    Spool(tmp_path / "log").close(0)
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600


def test_a_file_is_never_written_twice(tmp_path: Path) -> None:
    Spool(tmp_path / "log").close(0)
    with pytest.raises(FileExistsError):
        Spool(tmp_path / "log")


def test_a_reader_goes_on_where_it_was_and_leaves_half_a_record(tmp_path: Path) -> None:
    path = tmp_path / "log"
    spool = Spool(path)
    spool.add("o", b"one", 0)
    (first,) = read_records(path)
    with path.open("ab") as file:
        file.write(HEADER.pack(b"o", 0, 10) + b"half")
    assert list(read_records(path, first.end)) == []
    with path.open("ab") as file:
        file.write(b" whole")
    assert pieces(path, first.end) == [("o", b"half whole")]
    spool.close(0)


def test_the_head_is_written_at_once_and_the_tail_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    spool = Spool(path, head=100, tail=100)
    for number in range(100):
        spool.add("o", f"line {number:02}\n".encode(), number)
    head = pieces(path)
    assert head == [("o", f"line {number:02}\n".encode()) for number in range(4)]
    spool.close(500)
    everything = pieces(path)
    left_out = 8 * (100 - 4 - 4)
    assert everything[4] == ("s", f"… {left_out} bytes of output are left out here …\n".encode())
    assert everything[5:] == [("o", f"line {number}\n".encode()) for number in range(96, 100)]
    assert (spool.kept, spool.dropped) == (8 * 8, left_out)


def test_nothing_is_left_out_of_what_fits(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "log", head=100, tail=100)
    for _ in range(8):
        spool.add("o", b"line xx\n", 0)
    spool.close(0)
    assert pieces(tmp_path / "log") == [("o", b"line xx\n")] * 8


def test_long_pieces_become_several_records(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "log")
    spool.add("o", b"x" * 200_000, 0)
    spool.close(0)
    assert [len(data) for _, data in pieces(tmp_path / "log")] == [65536, 65536, 65536, 3392]


def test_a_full_disk_costs_output_only() -> None:
    path = Path("/dev/shm") / f"full-{os.getpid()}"
    limit = 1000
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        import resource
        import signal

        # A file that can't grow any more behaves as one on a full disk.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        spool = Spool(path)
        for number in range(50):
            spool.add("o", f"{number:040}\n".encode(), 0)
        spool.close(0)
        os.write(write, f"{spool.size} {spool.kept} {spool.dropped}".encode())
        os._exit(0)
    os.waitpid(pid, 0)
    size, kept, dropped = map(int, os.read(read, 100).split())
    os.close(read)
    os.close(write)
    lines = [data for _, data in pieces(path)]
    assert size == path.stat().st_size <= limit
    path.unlink()
    assert lines == [f"{number:040}\n".encode() for number in range(len(lines))]
    assert (kept, dropped) == (len(lines) * 41, (50 - len(lines)) * 41)


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_lines_are_cut_the_same_however_they_arrive(size: int) -> None:
    text = b"short\n" + b"a" * 25 + b"\n\n" + b"b" * 10 + b"\n" + b"c" * 11 + b"\nend" + b"d" * 20
    cut = LineCut(limit=10)
    result = b"".join(cut.cut(text[start : start + size]) for start in range(0, len(text), size)) + cut.finish()
    assert result.decode() == (
        f"short\n{'a' * 10} … 15 bytes of this line are left out\n\n{'b' * 10}\n"
        f"{'c' * 10} … 1 bytes of this line are left out\nend{'d' * 7} … 13 bytes of this line are left out"
    )
    assert cut.dropped == 15 + 1 + 13


def test_the_rows_that_an_output_becomes_are_few_however_it_is_written(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "log")
    for number in range(400_000):
        spool.add("oe"[number % 2], b"x", 0)  # type: ignore[arg-type]
    spool.close(0)
    assert 15_000 < len(list(read_records(tmp_path / "log"))) < 20_000
    assert spool.kept + spool.dropped == 400_000
