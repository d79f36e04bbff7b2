"""Starts the processes of `hexasched serve`, watches and drains them."""
