"""The exchange with upstream servers about one question."""
