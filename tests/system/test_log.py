"""What is printed and logged holds nothing that a terminal obeys."""

import json
import logging
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.system.log import escaped, log, start

TURNED = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029"
HOSTILE = st.text(st.characters() | st.sampled_from("\x1b\x9b\x7f\r" + TURNED))


@given(HOSTILE)
def test_no_character_is_left_that_a_terminal_obeys(text: str) -> None:
    shown = escaped(text)
    assert not set(shown) & set(TURNED)
    assert all(char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs") for char in shown)
    assert escaped(shown) == shown
    assert shown.encode().decode() == shown


@given(HOSTILE)
def test_json_means_the_same_when_it_is_escaped(text: str) -> None:
    assert json.loads(escaped(json.dumps(text, ensure_ascii=False))) == text


def test_persian_stays_as_it_is() -> None:
    text = "پیام‌رسان‌های خارجی\t۱۵۹۵\n"
    assert escaped(text) == text


def test_a_log_record_is_escaped(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "propagate", True)
    monkeypatch.setattr(log, "level", logging.NOTSET)
    start("worker 1")
    log.warning("the server says %s", "500 \x1b[2J\x9b\u202e")
    try:
        raise ValueError("\x1b[2J")
    except ValueError:
        log.exception("it failed")
    printed = capfd.readouterr().err
    assert "WARNING worker 1: the server says 500 \\u001b[2J\\u009b\\u202e\n" in printed
    assert "ValueError: \\u001b[2J\n" in printed
    assert "\x1b" not in printed
