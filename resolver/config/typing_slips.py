"""Characters and values that people type for others, and what TOML takes instead.

Keyboards and editors put Persian digits, curly quotes and invisible characters into a config.
People write ``yes``, dates with slashes, and dates of the solar Hijri calendar.
"""

import datetime as dt
import re
import tomllib
import unicodedata

from resolver import solar_hijri

QUOTES = {**dict.fromkeys("“”„‟«»", '"'), **dict.fromkeys("‘’‚‛‹›", "'")}
_SIGNS = {**QUOTES, **dict.fromkeys("‐‑‒–—―−", "-"), "،": ",", "٫": ".", "⁄": "/"}
_DIGITS = {chr(zero + value): str(value) for zero in (0x660, 0x6F0) for value in range(10)}
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1"), "true"),
    **dict.fromkeys(("false", "no", "off", "0"), "false"),
}
_INTEGER = re.compile(r"\d{1,18}", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[Tt ]+(\d{1,2}):(\d\d)(?::(\d\d))? *([Zz]|[+-]\d\d:\d\d)?)?",
    re.ASCII,
)
_TEHRAN = "+03:30"


def straight(char: str) -> str:
    """What to type instead of a character; the character itself where TOML takes it."""
    if char.isascii():
        return char
    category = unicodedata.category(char)
    unseen = {"Zs": " ", "Cf": ""}.get(category, char)
    return _SIGNS.get(char) or _DIGITS.get(char) or unseen


def straightened(text: str) -> str:
    """A text with each character as TOML takes it."""
    return "".join(map(straight, text))


def describe(char: str) -> tuple[str, str]:
    """A character that TOML does not take, and what it takes instead, in words."""
    instead = straight(char)
    if instead.strip() == "":
        name = unicodedata.name(char, f"U+{ord(char):04X}")
        return f"a character that cannot be seen, {name}", "a space" if instead else "none"
    if instead.isdigit():
        return f"the Persian or Arabic digit {char}", "the digits 0 to 9"
    expected = "a straight quote" if char in QUOTES else f'"{instead}"'
    return f"the character {char}", expected


def literal(text: str, kind: type[object] = object) -> str | None:
    """The TOML value of a kind (bool, int, date, datetime) that a text means; None where none."""
    plain = straightened(text).strip()
    moment = _MOMENT.fullmatch(plain)
    candidates = (
        _BOOLEANS.get(plain.lower()) if kind is bool or not plain.isdigit() else None,
        str(int(plain)) if _INTEGER.fullmatch(plain) else None,
        _gregorian(moment, end_of_day=kind is dt.datetime) if moment else None,
    )
    return next((each for each in candidates if each and _is_of(each, kind)), None)


def is_impossible_date(text: str) -> bool:
    """Whether a text has the form of a date or a moment, but no calendar or clock has it."""
    return _MOMENT.fullmatch(straightened(text).strip()) is not None and literal(text) is None


def _gregorian(moment: re.Match[str], *, end_of_day: bool) -> str | None:
    """A date or a moment as TOML writes it; in Tehran where it has no offset."""
    year, month, day = map(int, moment.group(1, 2, 3))
    try:
        date = solar_hijri.to_gregorian(year, month, day) or dt.date(year, month, day)
    except ValueError:
        return None
    if moment[4]:
        time = f"T{moment[4]:0>2}:{moment[5]}:{moment[6] or '00'}{moment[7] or _TEHRAN}"
    else:
        time = f"T23:59:59{_TEHRAN}" if end_of_day else ""
    return None if solar_hijri.is_meant(date) else f"{date}{time}"


def _is_of(value: str, kind: type[object]) -> bool:
    try:
        found = tomllib.loads(f"value = {value}")["value"]
    except ValueError:
        return False
    return kind is object or type(found) is kind
