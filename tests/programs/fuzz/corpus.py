"""The seed corpus: packets as lines of names and hexadecimal digits, configs and lists as files."""

from pathlib import Path

_CORPUS = Path(__file__).parent / "seeds"
_ROOT = Path(__file__).parents[3]
_ALSO = {
    "config": [_ROOT / "config.toml", *(_ROOT / "tests" / "config" / "wrong").glob("*.toml")],
    "list": [*(_ROOT / "blocklists").glob("*.txt")],
}
"""Files of the repository that are seeds as they are."""


def seeds(target: str) -> dict[str, bytes]:
    """All of a target's corpus, by name."""
    files = sorted([*_CORPUS.glob(f"{target}/*"), *_ALSO.get(target, ())])
    found = {path.name: path.read_bytes() for path in files}
    packed = _CORPUS / f"{target}.hex"
    for line in packed.read_text(encoding="ascii").splitlines() if packed.exists() else ():
        name, _, digits = line.partition(" ")
        assert name not in found, f"{packed}: {name} twice"
        found[name] = bytes.fromhex(digits)
    return found


def line(name: str, data: bytes) -> str:
    """A seed as a line of a packed file."""
    return f"{name} {data.hex()}\n"
