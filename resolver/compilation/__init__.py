"""From a config's files to a snapshot: its lists collected, all of it compiled, also apart."""
