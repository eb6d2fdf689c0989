"""What is wrong with a file that is no UTF-8 or no TOML, by the words of Python and tomllib.

Keyboards and editors put curly quotes, Persian digits and characters that cannot be seen into a
config. Where tomllib stops at one of them, its Unicode name is shown. What is known to be typed
wrongly gets the mend as advice.
"""

import re
import unicodedata

from resolver.config.problems import Problem
from resolver.config.toml_lines import first_definition, path_text

_POSITION = re.compile(r" \(at line (\d+), column (\d+)\)$")
_REPEATED = ("Cannot declare ", "Cannot overwrite ", "Cannot mutate ", "Cannot redefine ")
_AT_END = " (at end of document)"
_EXPECTED = {
    "Expected ']]'": '"]]" after the name, as in [[expect]]',
    "Expected ']'": '"]" after the name, as in [server]',
    "Expected '='": '"=" and a value after the key',
    "Expected \"'": "' after the text, as before it",
    "Expected newline": "one value on a line, a text in quotes, several in [ ]",
    "Invalid value": "a text in quotes, a number, true or false, a date, or several in [ ]",
    "Invalid statement": "a key with a value, or a table such as [server]",
    "Invalid initial character": "a key, or the name of a table",
    "Illegal character '\\n'": "a text that ends on its line",
    "Unterminated string": "three quotes after the text, as before it",
    "Unclosed array": '"," after each element and "]" after the last',
    "Unclosed inline table": '"," after each value and "}" after the last, on one line',
}
"""What is expected where a message of tomllib begins so; else valid TOML."""
_BOM = "\ufeff"
_SAVE = "Save the file as UTF-8 without a byte order mark (BOM)."
_QUOTES = "“”„‟‘’‚‛«»″"
_MEANT = {**dict.fromkeys(_QUOTES, '"'), "،": ",", "\u00a0": "a space", "\u202f": "a space"}
"""What is to be written in the place of characters that look alike."""
_WORD = re.compile(r"[A-Za-z_][^\s,\]}#\"']*")
_BOOLEANS = {"yes": "true", "on": "true", "true": "true"}
_BOOLEANS |= {"no": "false", "off": "false", "false": "false"}


def not_utf8(file: str, error: UnicodeDecodeError) -> Problem:
    """The problem of a file that cannot be decoded."""
    octets, at = error.object, error.start
    byte = f"the byte 0x{octets[at]:02X}, which is not UTF-8"
    line = octets.count(b"\n", 0, at) + 1
    return Problem("error", file, line, "", byte, "a text in UTF-8", _SAVE)


def not_toml(file: str, message: str, text: str) -> Problem:
    """The problem of a text that tomllib refuses with a message."""
    text, position = text.replace("\r\n", "\n"), _POSITION.search(message)
    line, at = text.count("\n") + 1, len(text)
    description = "the end of the file"
    if not message.startswith("Expected"):
        description = f"at {description}: {message.removesuffix(_AT_END)}"
    if position is not None:
        line, column = int(position[1]), int(position[2])
        at = sum(len(row) + 1 for row in text.split("\n")[: line - 1]) + column - 1
        char = text[at : at + 1]
        named = "" if char.isascii() else f" ({unicodedata.name(char, f'U+{ord(char):04X}')})"
        detail = message[: position.start()]
        if detail.startswith("Expected"):
            detail = "the end of the line" if char in ("", "\n") else char
        description = f"at column {column}{named}: {detail}"
    if message.startswith(_REPEATED) and (defined := first_definition(text, at)):
        path, first = defined
        is_element = isinstance(path[-1], int)
        name = path_text(path[:-1] if is_element else path)
        is_table = is_element and not text.split("\n")[line - 1].lstrip().startswith("[[")
        expected = f"[[{name}]]" if is_table else "each table and each key once"
        advice = f"It is also at {file}:{first}."
        return Problem("error", file, line, "", f"a second {name}", expected, advice)
    known = (wanted for begin, wanted in _EXPECTED.items() if message.startswith(begin))
    expected = next(known, "valid TOML")
    return Problem("error", file, line, "", description, expected, _mend(text, at, message))


def _mend(text: str, at: int, message: str) -> str:
    """How to mend what tomllib refuses at a place; empty where that is not known."""
    char, word = text[at : at + 1], _WORD.match(text, at)
    if meant := _meant(char):
        return meant
    if word and message.startswith("Invalid value"):
        boolean = _BOOLEANS.get(word[0].lower())
        return f"Write {boolean}." if boolean else f'Write a text in quotes: "{word[0]}".'
    line = text[text.rfind("\n", 0, at) + 1 : at] + text[at:].partition("\n")[0]
    if (line.count('"') - line.count('\\"')) % 2:
        alike = next((quote for quote in line if quote in _QUOTES), "")
        missing = 'The line has an odd number of ": one is missing.'
        return f'Write " in the place of {alike}.' if alike else missing
    return ""


def _meant(char: str) -> str:
    """What is to be done with a character that has no place in TOML."""
    if char == _BOM:
        return _SAVE
    digit = unicodedata.decimal(char, None) if char and not char.isascii() else None
    if char in _MEANT or digit is not None:
        return f"Write {_MEANT.get(char, digit)} in the place of this character."
    if char and unicodedata.category(char) == "Cf":
        return "Remove this character: it cannot be seen."
    return ""
