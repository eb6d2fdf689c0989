"""Counters in shared memory, the Prometheus collector, and the status."""
