"""What is recorded and proven."""
