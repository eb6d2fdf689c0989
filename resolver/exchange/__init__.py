"""The exchange with upstream servers about one question: attempts, servers, entries. Pure."""
