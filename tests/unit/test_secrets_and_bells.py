"""The key ring and the doorbell, on a real folder."""

import threading
from pathlib import Path

import pytest

from hexasched.doorbell import DONE, WORK, Doorbell, ring
from hexasched.errors import HexaSchedError
from hexasched.secrets import KeyRing, load_key_ring


def test_it_makes_one_key_for_all_that_start_together(tmp_path: Path) -> None:
    rings: list[KeyRing] = []
    threads = [threading.Thread(target=lambda: rings.append(load_key_ring(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
    sealed = rings[0].encrypt("text", "here")
    assert {keys.decrypt(sealed, "here") for keys in rings} == {"text"}
    assert len({keys.derive("session") for keys in rings}) == 1


def test_it_decrypts_only_in_place_and_only_what_is_whole(tmp_path: Path) -> None:
    keys = load_key_ring(tmp_path)
    sealed = keys.encrypt("text", "here")
    assert b"text" not in sealed
    assert keys.encrypt("text", "here") != sealed
    for wrong, place in ((sealed, "there"), (sealed[:-1] + b"x", "here"), (b"none" + sealed[4:], "here")):
        with pytest.raises(HexaSchedError):
            keys.decrypt(wrong, place)


def test_it_still_decrypts_with_an_older_key(tmp_path: Path) -> None:
    old = load_key_ring(tmp_path).encrypt("text", "here")
    file = tmp_path / "secret.key"
    file.write_text("00000000 " + "11" * 32 + "\n" + file.read_text())
    keys = load_key_ring(tmp_path)
    assert keys.decrypt(old, "here") == "text"
    assert keys.encrypt("text", "here")[:4] == bytes(4)


def test_it_says_when_the_key_file_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("not a key\n")
    with pytest.raises(HexaSchedError, match="damaged"):
        load_key_ring(tmp_path)


def test_it_wakes_who_listens_to_the_topic_and_nobody_else(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100) / ("y" * 100)  # deeper than the address of a socket may be long
    with Doorbell(deep, WORK) as work, Doorbell(deep, WORK) as also, Doorbell(deep, DONE) as done:
        ring(deep, WORK)
        ring(deep, WORK)
        assert work.wait(1)
        assert also.wait(1)
        assert not done.wait(0.01)
        assert not work.wait(0.01), "rings that came together count once"
    assert list((deep / "bells").iterdir()) == []


def test_it_forgets_the_bell_of_a_process_that_died(tmp_path: Path) -> None:
    bell = Doorbell(tmp_path, WORK)
    bell._socket.close()
    ring(tmp_path, WORK)
    assert list((tmp_path / "bells").iterdir()) == []
    bell._path.unlink(missing_ok=True)
