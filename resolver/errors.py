"""The root of every exception that Darban raises on purpose.

What a peer sends wrong becomes a value or an rcode, never an exception. What an operator gets
wrong becomes a list of problems, reported together (config.problems).
"""


class DarbanError(Exception):
    """An error with a message for people."""

    code = 2
    """The exit code of a command that ends with this error."""
