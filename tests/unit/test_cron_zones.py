"""Which time zones are accepted, and what a person is told about the others."""

import time
from zoneinfo import ZoneInfoNotFoundError

import pytest

from hexasched.domain.zones import check_zone, load_zone, suggest_zone, zone_names

EXAMPLE = "Write a place, for example Europe/Berlin, or UTC."


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/San_Juan", "Etc/GMT+5", "Japan"])
def test_it_accepts_names_of_the_database(name: str) -> None:
    assert check_zone(name) is None
    assert load_zone(name).key == name


def test_it_loads_every_zone_that_it_accepts() -> None:
    assert len(zone_names()) > 500
    assert all(load_zone(name).key == name for name in zone_names())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", f"Choose a time zone. {EXAMPLE}"),
        ("europe/berlin", "europe/berlin is not a time zone of the IANA database. Did you mean Europe/Berlin?"),
        ("Berlin", "Berlin is not a time zone of the IANA database. Did you mean Europe/Berlin?"),
        ("New York", "New York is not a time zone of the IANA database. Did you mean America/New_York?"),
        ("Europe/Berln", "Europe/Berln is not a time zone of the IANA database. Did you mean Europe/Berlin?"),
        (
            "posix/Europe/Berlin",
            "posix/Europe/Berlin is not a time zone of the IANA database. Did you mean Europe/Berlin?",
        ),
        ("right/UTC", "right/UTC is not a time zone of the IANA database. Did you mean UTC?"),
        (
            "EST5EDT",
            "EST5EDT names an offset, not a place with its own summer time. Did you mean America/New_York?",
        ),
        ("localtime", f"localtime is not a time zone of the IANA database. {EXAMPLE}"),
        ("Factory", f"Factory is not a time zone of the IANA database. {EXAMPLE}"),
        ("GMT+1", f"GMT+1 is not a time zone of the IANA database. {EXAMPLE}"),
        ("../../etc/passwd", f"../../etc/passwd is not a time zone of the IANA database. {EXAMPLE}"),
        ("\ud800", f"This is not a time zone of the IANA database. {EXAMPLE}"),
    ],
)
def test_it_says_which_name_was_meant(name: str, message: str) -> None:
    assert check_zone(name) == message


def test_it_suggests_only_what_it_accepts() -> None:
    tries = ["Berlin", "EST5EDT", "europe/pari", "asia/calcuta", "right/UTC", "singapor"]

    assert {suggest_zone(name) for name in tries} <= zone_names()


@pytest.mark.parametrize("name", ["x" * 64, "x" * 10_000_000, " " * 1_000_000, "Europe/" * 9, "\ud800" * 64])
def test_it_answers_hostile_names_quickly(name: str) -> None:
    check_zone("Berlin")  # the table of spellings is made once
    start = time.process_time()

    assert check_zone(name)
    assert time.process_time() - start < 0.05


def test_it_does_not_look_outside_the_database() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        load_zone("../../etc/passwd")
