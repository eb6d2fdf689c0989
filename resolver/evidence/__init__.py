"""What is recorded and proven: audit log, chain of hashes, figures, block log, and what is kept."""
