"""A snapshot: the compiled config and its index, as the octets that are stored.

Equal configs and lists must give equal octets: the name of a snapshot is a hash of its content.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, get_type_hints

from resolver.policy import codec
from resolver.policy.compiled import FORM, CompiledConfig
from resolver.policy.index import Index
from resolver.snapshot import form_1

_LONG: Final = ("prefixes", "excepted", "allowed_names")
"""The fields of ``CompiledConfig`` that may have 100,000 values and more."""
_LINE: Final = 500
"""Values in one line of a document."""
NAME_DIGITS: Final = 16
"""Of the hash of a snapshot's content, in its name."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The compiled config, and the two buffers of the index (``policy.index``)."""

    compiled: CompiledConfig
    trie: bytes
    rules: bytes
    index_key: str = ""
    """A hash of what the two buffers were made from; it is no part of the content."""

    def index(self) -> Index:
        """The index of its rules."""
        return Index(self.trie, self.rules)

    def document(self) -> bytes:
        """The config as lines of JSON; equal configs give equal bytes.

        The first line has all but the long fields. Each line after it has some values of one.
        """
        empty: dict[str, Any] = dict.fromkeys(_LONG, ())
        lines: list[object] = [codec.encode(replace(self.compiled, **empty))]
        for field in _LONG:
            values = getattr(self.compiled, field)
            for at in range(0, len(values), _LINE):
                lines.append([field, codec.encode(values[at : at + _LINE])])
        return b"\n".join([_json(line) for line in lines])

    def hash(self) -> str:
        """The name of the snapshot: the first 16 digits of the SHA-256 of its content."""
        return self.whole_hash()[:NAME_DIGITS]

    def whole_hash(self) -> str:
        """The SHA-256 of its content."""
        return content_hash(self.document(), self.trie, self.rules)


def content_hash(document: bytes, trie: bytes, rules: bytes) -> str:
    """The SHA-256 of a snapshot with this content."""
    digest = hashlib.sha256()
    for part in (document, trie, rules):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def read_compiled_config(lines: Iterator[bytes]) -> CompiledConfig:
    """Read the lines that ``Snapshot.document`` wrote.

    To read a line holds the interpreter lock; a worker's loop answers between two lines. Release
    0.1.0 wrote one line with all values.
    """
    first = json.loads(next(lines))
    if isinstance(first, list):
        first = form_1.with_clauses(first)
    elif first["form"] > FORM:
        raise ValueError(f"form {first['form']} where at most {FORM} is known")
    compiled = codec.decode(CompiledConfig, first)
    hints = get_type_hints(CompiledConfig)
    long: dict[str, list[object]] = {field: [*getattr(compiled, field)] for field in _LONG}
    for line in lines:
        field, plain = json.loads(line)
        long[field] += codec.decode(hints[field], plain)
    complete: dict[str, Any] = {field: tuple(values) for field, values in long.items()}
    return replace(compiled, **complete)


def _json(plain: object) -> bytes:
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
