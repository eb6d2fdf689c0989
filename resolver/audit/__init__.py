"""What is recorded, proven and reported."""
