"""`python -m hexasched` is the command `hexasched`."""

from hexasched.cli.main import main

if __name__ == "__main__":
    main()
