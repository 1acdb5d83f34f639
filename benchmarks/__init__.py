"""Measurements against other tools; `python -m benchmarks.NAME` prints one table."""
