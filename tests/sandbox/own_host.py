"""A machine with a network of its own for the tests: it and one neighbour, made of namespaces. No root is needed.

The machine has 10.77.0.1, 172.31.0.1 and 2001:db8:77::1, and servers on them and on its loopback (ports 1025, 1026);
those at ports 82 (IPv4) and 83 (IPv6) are on every address that it ever has.
Its resolver is at 127.0.0.53. The neighbour has all that a function may want to reach, or must not.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.sandbox.harness import Worker, running_worker
from tests.waiting import wait_until

SCRIPT = """
set -e
export PATH="$PATH:/usr/sbin:/sbin"
ip link set lo up
[ "$ONLINE" = no ] && exec setpriv --ambient-caps=-all --inh-caps=-all "$@"
unshare -n sleep 600 &
neighbour=$!
ip link add uplink type veth peer name downlink
while [ "$(readlink /proc/$neighbour/ns/net)" = "$(readlink /proc/$$/ns/net)" ]; do :; done
ip link set downlink netns $neighbour
ip addr add 10.77.0.1/24 dev uplink
ip addr add 172.31.0.1/24 dev uplink
ip -6 addr add 2001:db8:77::1/64 dev uplink nodad
ip link set uplink up
beyond() { nsenter -t $neighbour -n "$@"; }
beyond ip link set lo up
for address in 10.77.0.2/24 169.254.169.254/32 168.63.129.16/32 100.100.100.200/32 100.64.0.2/32 192.168.77.2/32 \\
    172.31.0.2/24 203.0.113.7/32 192.0.0.1/32; do
    beyond ip addr add $address dev downlink
done
for address in 2001:db8:77::2/64 fd00:ec2::254/128 fd55::2/128; do
    beyond ip -6 addr add $address dev downlink nodad
done
beyond ip link set downlink up
ip route add default via 10.77.0.2
ip -6 route add default via 2001:db8:77::2
beyond "$PYTHON" -m tests.sandbox.neighbours 0.0.0.0,80 ::,81 0.0.0.0,1026 &
"$PYTHON" -m tests.sandbox.neighbours 127.0.0.1,1025 ::1,1025 127.0.0.1,1026 ::1,1026 10.77.0.1,80 172.31.0.1,80 \\
    2001:db8:77::1,81 0.0.0.0,82 ::,83 dns=127.0.0.53 dns=127.0.0.1 npm=4873 &
{ read -r address < "$FOLDER/new-address" && ip addr add "$address" dev uplink; } &
echo "nameserver 127.0.0.53" > "$FOLDER/resolv.conf"
mount --bind "$FOLDER/resolv.conf" /etc/resolv.conf
exec setpriv --ambient-caps=-all --inh-caps=-all "$@"
"""


def add_address(worker: Worker, folder: Path, address: str) -> None:
    """Give the worker's machine one more address ("10.77.0.9/24"), once."""
    (folder / "new-address").write_text(f"{address}\n")
    routes = Path(f"/proc/{worker.process.pid}/net/fib_trie")
    wait_until(lambda: address.partition("/")[0] in routes.read_text(), deadline_s=5, what="the new address")


@contextmanager
def worker_on_own_host(
    folder: Path,
    *,
    online: bool = True,
    environ: dict[str, str] | None = None,
    before: tuple[str, ...] = (),
    **changes: Any,
) -> Iterator[Worker]:
    """A worker on a machine of its own, with `environ` too and started by `before`; `changes` as in running_worker."""
    (folder / "resolv.conf").touch()
    os.mkfifo(folder / "new-address")
    us = ["--user", f"--map-user={os.getuid()}", f"--map-group={os.getgid()}", "--keep-caps"] if os.getuid() else []
    variables = [f"PYTHON={sys.executable}", f"FOLDER={folder}", f"ONLINE={'yes' if online else 'no'}"]
    variables += [f"{name}={value}" for name, value in (environ or {}).items()]
    host = ("unshare", *us, "--net", "--mount", "env", *variables, "/bin/sh", "-c", SCRIPT, "sh")
    with running_worker(folder / "data", before=(*host, *before), **changes) as worker:
        yield worker
