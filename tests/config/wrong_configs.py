"""The configs of ``wrong/``, and the mark that says what is wrong with one."""

from pathlib import Path

WRONG = sorted(Path(__file__).with_name("wrong").glob("*.toml"))
MARK = "#! "
