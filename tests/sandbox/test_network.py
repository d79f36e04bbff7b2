"""What a function reaches: a machine with a neighbour, both made for the test."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import pytest

from hexasched.domain.outcomes import Status
from sandbox import host, proc
from sandbox.host import Host, HostWatch
from sandbox.jobs import SandboxSettings
from sandbox.network import pasta_command, resolv_conf, routes
from tests.sandbox.harness import Worker, alive, family
from tests.sandbox.own_host import add_address, worker_on_own_host
from tests.waiting import wait_until

REACH = """import net from 'node:net'
const reach = ([host, port]) => new Promise((done) => {
    const socket = net.connect({ host, port })
    const timer = setTimeout(() => { socket.destroy(); done('silence') }, 2000)
    const end = (answer) => { clearTimeout(timer); done(answer) }
    socket.on('data', (data) => end(String(data)))
    socket.on('error', (error) => end(error.code)).on('close', () => end('closed'))
})
"""
CLOSED = {"ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"}


def reach(worker: Worker, *targets: tuple[str, int], **changes: Any) -> list[str]:
    """What a function hears from each address and port: a greeting or the code of an error."""
    source = REACH + "export default (targets) => Promise.all(targets.map(reach))"
    outcome = worker.run(source, event=targets, **{"network": "outbound", **changes})
    assert outcome.status is Status.SUCCEEDED, (outcome.error, outcome.reason)
    return list(json.loads(outcome.result or ""))


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker on its own machine; port 1025 of its loopback is open to functions."""
    with worker_on_own_host(tmp_path_factory.mktemp("host"), loopback_ports=(1025,)) as worker:
        yield worker


def test_it_reaches_the_world_and_private_neighbours(connected: Worker) -> None:
    answers = reach(connected, ("203.0.113.7", 80), ("10.77.0.2", 80), ("100.64.0.2", 80), ("2001:db8:77::2", 81))
    assert answers == ["hello from 0.0.0.0"] * 3 + ["hello from ::"]


def test_it_resolves_names_through_a_resolver_on_the_hosts_loopback(connected: Worker) -> None:
    assert reach(connected, ("mail.example.test", 80)) == ["hello from 0.0.0.0"]


def test_the_hosts_loopback_is_closed_except_for_the_opened_port(connected: Worker) -> None:
    opened = reach(connected, ("127.0.0.1", 1025), ("localhost", 1025), ("::1", 1025))
    assert opened == ["hello from 127.0.0.1", "hello from 127.0.0.1", "hello from ::1"]
    assert set(reach(connected, ("127.0.0.1", 1026), ("::1", 1026), ("127.0.0.53", 53), ("0.0.0.0", 1026))) <= CLOSED


def test_the_hosts_own_addresses_are_closed(connected: Worker) -> None:
    own = [("10.77.0.1", 80), ("172.31.0.1", 80), ("2001:db8:77::1", 81), ("::ffff:10.77.0.1", 80)]
    assert set(reach(connected, *own)) <= CLOSED
    rows = Path(f"/proc/{connected.process.pid}/net/if_inet6").read_text().splitlines()
    (link_local,) = (IPv6Address(bytes.fromhex(row[:32])) for row in rows if row.startswith("fe80"))
    assert set(reach(connected, (f"{link_local}%uplink", 83))) <= CLOSED


def test_the_hosts_loopback_does_not_show_at_the_gateways(connected: Worker) -> None:
    # 192.0.0.1 is the gateway inside; outside it is the neighbour's here, and only that may answer.
    answers = reach(connected, ("192.0.0.1", 1026), ("192.0.0.3", 1026), ("fd1c:7a5e:93d0::1", 1026))
    assert {"hello from 127.0.0.1", "hello from ::1"}.isdisjoint(answers)
    assert answers[0] == "hello from 0.0.0.0"


def test_metadata_services_are_closed(connected: Worker) -> None:
    services = [("169.254.169.254", 80), ("168.63.129.16", 80), ("fd00:ec2::254", 81), ("::ffff:169.254.169.254", 80)]
    assert set(reach(connected, *services)) <= CLOSED


def test_without_the_right_to_a_network_it_has_none(connected: Worker) -> None:
    assert set(reach(connected, ("203.0.113.7", 80), ("127.0.0.1", 1025), network="none")) <= CLOSED


def test_private_addresses_can_be_closed(tmp_path: Path) -> None:
    with worker_on_own_host(tmp_path, block_private=True, loopback_ports=(1025,)) as worker:
        private = [("10.77.0.2", 80), ("100.64.0.2", 80), ("fd55::2", 81), ("172.31.0.1", 80)]
        assert set(reach(worker, *private)) <= CLOSED
        answers = reach(worker, ("mail.example.test", 80), ("2001:db8:77::2", 81), ("127.0.0.1", 1025))
        assert answers == ["hello from 0.0.0.0", "hello from ::", "hello from 127.0.0.1"]


def test_workspaces_do_not_see_each_other(connected: Worker) -> None:
    listen = """import net from 'node:net'
    const server = net.createServer((socket) => socket.end('mine'))
    export default () => new Promise(() => server.listen(5555, () => console.log('up')))"""
    server = connected.submit(listen, network="outbound", workspace="harbour")
    connected.start_of(server)
    wait_until(lambda: connected.records(server), deadline_s=10, what="the server")
    assert reach(connected, ("127.0.0.1", 5555), workspace="harbour") == ["mine"]
    assert set(reach(connected, ("127.0.0.1", 5555), workspace="boats")) <= CLOSED
    connected.order(type="stop", key=server.key, cause="cancel")
    connected.end_of(server)


def pastas(worker: Worker) -> list[int]:
    """The keeper's pasta processes."""
    return [pid for pid in proc.children(worker.keeper_pid) if b"pasta" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_a_workspace_has_one_network_that_is_renewed_when_it_dies(tmp_path: Path) -> None:
    with worker_on_own_host(tmp_path) as worker:
        source = "export default (e) => e"
        jobs = [worker.submit(source, event=number, network="outbound") for number in range(3)]
        assert [worker.end_of(job).result for job in jobs] == ["0", "1", "2"]
        (first,) = pastas(worker)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not alive(first), deadline_s=5, what="the end of pasta")
        assert reach(worker, ("203.0.113.7", 80)) == ["hello from 0.0.0.0"]
        (second,) = pastas(worker)
        assert second != first


def test_nothing_of_a_network_is_left_when_the_keeper_is_killed(tmp_path: Path) -> None:
    with worker_on_own_host(tmp_path) as worker:
        reach(worker, ("203.0.113.7", 80))
        everybody = family(worker.keeper_pid)
        assert len(everybody) >= 3  # keeper, pasta, holder
        os.kill(worker.keeper_pid, signal.SIGKILL)
        wait_until(lambda: not [pid for pid in everybody if alive(pid)], deadline_s=10, what="the end of all")


def test_an_address_that_the_host_gets_later_is_closed_too(tmp_path: Path) -> None:
    with worker_on_own_host(tmp_path) as worker:
        reach(worker, ("203.0.113.7", 80))
        before = pastas(worker)
        add_address(worker, tmp_path, "10.77.0.9/24")
        assert set(reach(worker, ("10.77.0.9", 82))) <= CLOSED
        assert reach(worker, ("203.0.113.7", 80)) == ["hello from 0.0.0.0"]
        wait_until(lambda: len(pastas(worker)) == 1, deadline_s=5, what="the end of the outdated network")
        assert pastas(worker) != before


def test_other_resolvers_are_seen_at_the_next_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "RESOLV_CONF", tmp_path / "resolv.conf")
    with closing(HostWatch()) as watch:
        assert watch.look().resolvers == ()
        for address in ("192.0.2.1", "192.0.2.2"):
            (tmp_path / "new").write_text(f"nameserver {address}\n")
            (tmp_path / "new").rename(tmp_path / "resolv.conf")
            assert watch.look().resolvers == (address,)
        assert watch.look() is watch.look(), "it looks only when something has changed"


def test_on_a_machine_without_network_functions_run_without(tmp_path: Path) -> None:
    with worker_on_own_host(tmp_path, online=False) as worker:
        job = worker.submit("export default () => 'ran'", network="outbound")
        assert worker.end_of(job).result == '"ran"'
        assert "no way out to a network" in worker.text(job, "s")


HOST = Host(addresses=frozenset({"198.51.100.7"}), resolvers=("127.0.0.53",), search="", has_v4=True, has_v6=False)


def test_the_command_is_for_the_families_that_the_host_has() -> None:
    command = pasta_command("pasta", HOST, SandboxSettings(mode="bubblewrap", state_dir="/", loopback_ports=(25, 1025)))
    assert "-4" in command
    assert command[command.index("-T") + 1] == "25,1025"
    assert not [part for part in command if "fd1c" in part]
    assert "fd00" not in routes(HOST, block_private=True)
    assert "unreachable 198.51.100.7/32\n" in routes(HOST, block_private=False)


def test_the_resolver_is_of_the_family_that_the_host_uses() -> None:
    assert resolv_conf(HOST) == "nameserver 192.0.0.3\n"
    both = Host(addresses=frozenset(), resolvers=("::1", "fe80::1%eth0"), search="search a.b", has_v4=True, has_v6=True)
    assert resolv_conf(both) == "nameserver fd1c:7a5e:93d0::3\nsearch a.b\n"


def test_on_the_machines_own_network_loopback_and_names_are_the_machines(tmp_path: Path) -> None:
    with worker_on_own_host(tmp_path, network="host") as worker:
        answers = reach(worker, ("127.0.0.1", 1026), ("10.77.0.1", 80), ("mail.example.test", 80))
        assert answers == ["hello from 127.0.0.1", "hello from 10.77.0.1", "hello from 0.0.0.0"]
        assert set(reach(worker, ("127.0.0.1", 1026), network="none")) <= CLOSED
