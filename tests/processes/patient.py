"""The command `hexasched` that polls far too seldom: what it does sooner, a ring has told it."""

from hexasched.domain import limits

POLL_S = 200.0

if __name__ == "__main__":
    # Before anything else reads them; whoever finds the database busy looks again after a poll, and lives on till then.
    limits.POLL_S, limits.LEASE_S, limits.REAP_S = POLL_S, 5 * POLL_S, 6 * POLL_S

    from hexasched.cli.main import main

    main()
