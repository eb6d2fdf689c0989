"""What the release after this one may have saved."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from resolver.policy.compiled import FORM
from resolver.snapshot import store
from resolver.snapshot.snapshot import NAME_DIGITS, content_hash

Terms = dict[str, object]


def _with_a_field_more(compiled: Terms) -> Terms:
    return {**compiled, "more": 1}


def _with_a_later_form(compiled: Terms) -> Terms:
    return {**compiled, "form": FORM + 1}


CHANGES: Mapping[str, tuple[Callable[[Terms], Terms], str]] = {
    "a field more": (_with_a_field_more, "fields that are not known: more"),
    "a later form": (_with_a_later_form, rf"form {FORM + 1} where at most {FORM} is known"),
}
"""Each with what this release says of it."""


def save_as_next_release(state: Path, change: Callable[[Terms], Terms]) -> Path:
    """Replace the last good snapshot by one that the next release has saved."""
    old = store.last_good(state)
    first, *lines = (old / "terms.json").read_bytes().split(b"\n")
    compiled = b"\n".join([json.dumps(change(json.loads(first))).encode(), *lines])
    (old / "terms.json").write_bytes(compiled)
    index = [(old / name).read_bytes() for name in ("index.trie", "index.rules")]
    new = old.rename(old.with_name(content_hash(compiled, *index)[:NAME_DIGITS]))
    store.mark_good(new)
    return new
