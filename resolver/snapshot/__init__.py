"""Config and block lists compiled into a snapshot; storing and loading it."""
