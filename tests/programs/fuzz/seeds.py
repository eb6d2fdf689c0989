"""The seed corpus: packets in hexadecimal, configs and lists as they are."""

from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
_ROOT = Path(__file__).parents[3]
_ALSO = {
    "config": [_ROOT / "config.toml", *(_ROOT / "tests" / "config" / "wrong").glob("*.toml")],
    "list": [*(_ROOT / "blocklists").glob("*.txt")],
}
"""Files of the repository that are seeds as they are."""


def files(target: str) -> list[Path]:
    """The files of a target's corpus."""
    own = (path for path in (CORPUS / target).iterdir() if path.is_file())
    return sorted([*own, *_ALSO.get(target, ())])


def load(path: Path) -> bytes:
    """What a file stands for."""
    content = path.read_bytes()
    return bytes.fromhex(content.decode("ascii")) if path.suffix == ".hex" else content


def seeds(target: str) -> list[bytes]:
    """All of a target's corpus."""
    return [load(path) for path in files(target)]
