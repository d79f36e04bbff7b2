"""The command `hexasched` that polls far too seldom: what it does sooner, a ring has told it."""

from hexasched.domain import limits

POLL_S = 20.0  # shorter than a lease

if __name__ == "__main__":
    limits.POLL_S = POLL_S  # before anything else reads it

    from hexasched.cli.main import main

    main()
