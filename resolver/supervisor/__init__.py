"""Worker processes, rollout of snapshots, control socket, audit log, block log files."""
