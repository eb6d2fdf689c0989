"""Counters in shared memory, and their sums as metrics and as status."""
