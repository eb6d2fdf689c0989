"""The decisions of an exchange with upstream servers about one question."""
