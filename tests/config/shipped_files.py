"""The config as shipped, and the file that has every key."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
SHIPPED = (ROOT / "config.toml").read_text(encoding="utf-8")
REFERENCE = (ROOT / "deploy" / "reference.toml").read_text(encoding="utf-8")
