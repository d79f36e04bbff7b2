"""The command `hexasched` with short leases: `python -m tests.processes.quick_worker worker`."""

from hexasched.domain import limits

LEASE_S = 3.0
REAP_S = 4.5

# Before anything else reads them.
limits.LEASE_S, limits.REAP_S, limits.HEARTBEAT_S, limits.POLL_S = LEASE_S, REAP_S, 0.5, 0.25

if __name__ == "__main__":
    from hexasched.cli.main import main

    main()
