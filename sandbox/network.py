"""The network of a workspace: one pasta process, whose namespace all its jobs share, with the host closed off.

pasta makes a network namespace that reaches out through ordinary sockets of our own user: no right is needed beyond
/dev/net/tun. The host's loopback is closed except for the ports of `loopback_ports`. What pasta would still reach,
the host's own addresses and the cloud's metadata service, is made unreachable by routes, put in by the owner of the
namespace before any job enters; a job has no right to change them.
"""

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

from sandbox.jobs import SandboxSettings

# Inside; 192.0.0.0/29 is never routed (RFC 7335), the second is a random unique local prefix (RFC 4193).
V4_ADDRESS, V4_GATEWAY, V4_RESOLVER, V4_PREFIX = "192.0.0.2", "192.0.0.1", "192.0.0.3", "29"
V6_ADDRESS, V6_GATEWAY, V6_RESOLVER = "fd1c:7a5e:93d0::2", "fd1c:7a5e:93d0::1", "fd1c:7a5e:93d0::3"

# Metadata services of clouds (AWS, GCP, Azure, Alibaba), other link-local addresses, multicast.
ALWAYS_CLOSED = ("169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32", "224.0.0.0/4", "fd00:ec2::254/128")
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")

# Waits on its standard input, which is a pipe of the keeper: when the keeper is gone, however it went, so is this,
# and pasta ends with it.
HOLDER = 'printf "%s" "$1" | ip -batch - && { [ -z "$2" ] || ip -6 rule add $2; } && echo ready && exec cat'

# A route would not do: what names the interface, as link-local addresses do, passes by those of other interfaces.
LINK_LOCAL = "to fe80::/10 unreachable pref 1"


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
    configured = Path("/etc/resolv.conf")
    lines = configured.read_text(errors="replace").splitlines() if configured.exists() else []
    words = [line.split() for line in lines]
    return Host(
        addresses=frozenset(_own_addresses()),
        resolvers=tuple(word[1] for word in words if len(word) > 1 and word[0] == "nameserver"),
        search=next((" ".join(word) for word in words if word and word[0] in ("search", "domain")), ""),
        has_v4=_has_default_route("/proc/net/route", destination=1, mask=7, zero="00000000"),
        has_v6=_has_default_route("/proc/net/ipv6_route", destination=0, mask=1, zero="0" * 32),
    )


def resolv_conf(host: Host) -> str:
    """The sandbox's resolv.conf: addresses at which pasta passes queries on to the machine's own resolver."""
    kinds = {6 if ":" in address else 4 for address in host.resolvers}
    inside = [address for kind, address in ((4, V4_RESOLVER), (6, V6_RESOLVER)) if kind in kinds]
    lines = [*(f"nameserver {address}" for address in inside), *([host.search] if host.search else [])]
    return "".join(f"{line}\n" for line in lines)


def pasta_command(pasta: str, host: Host, settings: SandboxSettings) -> list[str]:
    """pasta with a namespace whose owner puts the routes in, says "ready" and then waits."""
    ports = ",".join(map(str, sorted(settings.loopback_ports))) or "none"
    family = [] if host.has_v4 and host.has_v6 else ["-4" if host.has_v4 else "-6"]
    v4 = ["-a", V4_ADDRESS, "-n", V4_PREFIX, "-g", V4_GATEWAY, "--dns-forward", V4_RESOLVER] if host.has_v4 else []
    v6 = ["-a", V6_ADDRESS, "-g", V6_GATEWAY, "--dns-forward", V6_RESOLVER] if host.has_v6 else []
    return [
        *(pasta, "--config-net", "--foreground", "--quiet", *family, *v4, *v6),
        *("-t", "none", "-u", "none", "-T", ports, "-U", "none", "--no-map-gw"),
        *("--", "/bin/sh", "-c", HOLDER, "sh", routes(host, block_private=settings.block_private)),
        LINK_LOCAL if host.has_v6 else "",
    ]


def routes(host: Host, *, block_private: bool) -> str:
    """Input for `ip -batch`: all that a job must not reach."""
    closed = [*ALWAYS_CLOSED, *(PRIVATE if block_private else ()), *host.addresses]
    networks = sorted({ipaddress.ip_network(address) for address in closed}, key=str)
    kinds = {4: host.has_v4, 6: host.has_v6}
    return "".join(f"route add unreachable {network}\n" for network in networks if kinds[network.version])


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
