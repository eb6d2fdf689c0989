"""What the supervisor serves over HTTP: metrics, the status page and the block page."""
