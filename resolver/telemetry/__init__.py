"""Counters in shared memory, the Prometheus collector over them, the log."""
