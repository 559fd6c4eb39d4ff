"""The bars, the peers and our own figures as one table: `python -m benchmarks`."""
