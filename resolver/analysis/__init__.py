"""What a policy would do: explain, expectations, diff, replay."""
