"""Child processes that run a module of this program, and their CPU priority."""
