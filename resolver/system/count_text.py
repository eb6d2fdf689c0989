"""A number of things in an English text."""


def count_text(number: int, one: str, many: str = "") -> str:
    """``1 name``, ``2,000 names``; ``many`` is the plural where it is not ``one`` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
