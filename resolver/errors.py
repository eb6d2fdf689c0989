"""The one root of every exception that Darban raises on purpose.

What a peer sends wrong becomes a value or an rcode, never an exception. What an
operator gets wrong becomes a list of problems, reported whole (config.problems).
These exceptions carry one or the other to where it is told.
"""


class DarbanError(Exception):
    """Something that Darban knows how to tell; its text is meant to be read."""
