"""Measurements of the whole system, each a command: `python -m benchmarks`."""
