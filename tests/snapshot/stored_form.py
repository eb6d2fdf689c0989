"""The fields and the values of stored snapshots, as text, and the fields that the policy hash has.

``python -m tests.snapshot.stored_form`` writes those of this release to ``stored_form.json``, when
it is made: the next ones are tested against them.
"""

import inspect
import json
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from resolver.config.model import BlockLogConfig
from resolver.config.policy_model import PolicyConfig
from resolver.lists.formats import FORMATS
from resolver.policy import codec
from resolver.policy.clauses import Action
from resolver.policy.compiled import FORM, CompiledConfig
from resolver.policy.facets import FIELDS, Absent
from resolver.policy.policy_hash import VERSION

FILE: Final = Path(__file__).parent / "stored_form.json"


def _stored_types(of: Any) -> Iterator[Any]:  # noqa: ANN401 - a type in, classes out
    """The classes of the values that a snapshot has."""
    for part in get_args(of):
        yield from _stored_types(part)
    if hasattr(of, "__annotations__") and not issubclass(of, Enum):
        yield of
        for hint in get_type_hints(of).values():
            yield from _stored_types(hint)


TYPES: Final = {kind.__name__: kind for kind in _stored_types(CompiledConfig)}


def stored_fields(kind: Any) -> dict[str, str]:  # noqa: ANN401 - a class
    """The fields of a class by their names in the program, with their stored names and types."""
    named = {} if hasattr(kind, "_fields") else codec.stored_names(kind)
    return {
        name: f"{named.get(name, name)}: {inspect.formatannotation(hint)}"
        for name, hint in get_type_hints(kind).items()
    }


def _choices(of: type, field: str) -> list[str]:
    """The values that the config allows for a field."""
    return [*get_args(get_type_hints(of)[field])]


def stored_form() -> dict[str, Any]:
    """The form, the values of fields that have a few, and the fields by their classes."""
    return {
        "FORM": FORM,
        "values": {
            "Action": [*Action],
            "Policy.answer": _choices(PolicyConfig, "answer"),
            "BlockLog.client": _choices(BlockLogConfig, "client"),
            "Subscription.format": [*FORMATS],
        },
        "fields": {name: [*stored_fields(kind).values()] for name, kind in TYPES.items()},
        "hashed": {
            "VERSION": VERSION,
            "fields": {
                field: {} if row.absent is Absent.NEVER else {"absent": row.absent}
                for field, row in FIELDS.items()
                if not row.not_compared
            },
        },
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(stored_form(), indent=2, ensure_ascii=False) + "\n")
