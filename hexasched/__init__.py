"""HexaSched: cron for Node.js functions."""

__version__ = "0.1.0"
