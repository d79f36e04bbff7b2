"""Turns time into queued runs; the only home of APScheduler."""
