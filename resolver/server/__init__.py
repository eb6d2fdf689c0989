"""What serves clients, and the worker, which is the process that answers queries."""
