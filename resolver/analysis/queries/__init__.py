"""Files of queries to replay: lines of names and types, recordings."""
