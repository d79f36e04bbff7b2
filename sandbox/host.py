"""What of the machine's own network matters for the networks of workspaces: its addresses, resolvers and ways out."""

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

RESOLV_CONF = Path("/etc/resolv.conf")
# Links, addresses and routes of both families: RTMGRP_* of rtnetlink(7).
GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400


@dataclass(frozen=True, kw_only=True)
class Host:
    """What matters of the machine's network; when it changes, a new namespace is made."""

    addresses: frozenset[str]  # its own, without loopback and link-local
    resolvers: tuple[str, ...]
    search: str  # the line of resolv.conf that completes short names, or ""
    has_v4: bool  # there is a default route
    has_v6: bool


def look_at_host() -> Host:
    """The machine's network as it is now."""
    lines = RESOLV_CONF.read_text(errors="replace").splitlines() if RESOLV_CONF.exists() else []
    words = [line.split() for line in lines]
    return Host(
        addresses=frozenset(_own_addresses()),
        resolvers=tuple(word[1] for word in words if len(word) > 1 and word[0] == "nameserver"),
        search=next((" ".join(word) for word in words if word and word[0] in ("search", "domain")), ""),
        has_v4=_has_default_route("/proc/net/route", destination=1, mask=7, zero="00000000"),
        has_v6=_has_default_route("/proc/net/ipv6_route", destination=0, mask=1, zero="0" * 32),
    )


class HostWatch:
    """The machine's network, looked at anew only when it has changed: to look takes longer than a short run."""

    def __init__(self) -> None:
        self._host: Host | None = None
        self._resolv: tuple[int, int] | None = None
        self._news: socket.socket | None = None
        try:
            self._news = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
            self._news.bind((0, GROUPS))
        except OSError:
            self.close()

    def look(self) -> Host:
        """The network as it is now. The kernel tells of a change before the change is reported as made."""
        resolv = _version_of(RESOLV_CONF)
        if self._heard() or self._host is None or resolv != self._resolv:
            self._resolv, self._host = resolv, look_at_host()
        return self._host

    def close(self) -> None:
        """Hear no more."""
        if self._news is not None:
            self._news.close()
            self._news = None

    def _heard(self) -> bool:
        """Whether anything was said since the last time; what it was does not matter."""
        if self._news is None:
            return True
        heard = False
        try:
            while self._news.recv(1):
                heard = True
        except BlockingIOError:
            return heard
        except OSError:  # more was said than there was room for
            return True
        return heard


def _version_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _own_addresses() -> list[str]:
    found = []
    for addresses in psutil.net_if_addrs().values():
        for one in addresses:
            if one.family in (socket.AF_INET, socket.AF_INET6):
                address = ipaddress.ip_address(one.address.split("%")[0])
                if not address.is_loopback and not address.is_link_local:
                    found.append(str(address))
    return found


def _has_default_route(table: str, *, destination: int, mask: int, zero: str) -> bool:
    try:
        rows = [line.split() for line in Path(table).read_text().splitlines()]
    except OSError:
        return False
    return any(
        len(row) > mask and row[destination] == zero and row[mask].strip("0") == "" and "lo" not in (row[0], row[-1])
        for row in rows
    )
