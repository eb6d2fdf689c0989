"""What is served over HTTP: the metrics."""
