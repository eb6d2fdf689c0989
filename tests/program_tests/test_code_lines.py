"""What counts as a line of code."""

from tests.programs.code_lines import other_lines, python_lines

SOURCE = '''\
"""A docstring
of two lines."""

import os  # a comment beside code

# a comment


def cwd() -> str:
    """Where it is."""
    return os.getcwd(
        # a comment within a call
    )


TEXT = """two
lines"""
"""What it is."""
'''


def test_python_without_blanks_comments_and_docstrings() -> None:
    assert python_lines(SOURCE) == 6


def test_messages_without_blanks_and_comments() -> None:
    assert other_lines('# English\n\ntitle = "Darban"  # a name\n') == 1
