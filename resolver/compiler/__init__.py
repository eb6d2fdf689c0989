"""Config and lists compiled into a snapshot, in a process of its own."""
