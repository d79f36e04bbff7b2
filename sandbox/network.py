"""The network of a workspace: one pasta process, whose namespace all its jobs share, with the host closed off.

pasta makes a network namespace that reaches out through ordinary sockets of our own user: no right is needed beyond
/dev/net/tun. The host's loopback is closed except for the ports of `loopback_ports`. What pasta would still reach,
the host's own addresses and the cloud's metadata service, is made unreachable by routes, put in by the owner of the
namespace before any job enters; a job has no right to change them.
"""

import ipaddress

from sandbox.host import Host
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
