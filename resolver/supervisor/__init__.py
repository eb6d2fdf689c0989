"""Worker processes, rollout of snapshots, control socket, and the tasks beside DNS."""
