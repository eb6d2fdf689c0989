"""What ``make size`` counts as a line of code."""

from tests.programs.size import code_lines

SOURCE = '''"""A docstring

of three lines."""
import os  # counts once

# a comment

def f(
    a: int,
) -> str:
    """A docstring."""
    text = """two
    lines"""
    return text
'''


def test_docstrings_comments_and_blank_lines_do_not_count() -> None:
    assert code_lines(SOURCE) == 7
