"""Downloads of lists that others maintain."""
