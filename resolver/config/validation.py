"""From the document to the model: report every invalid value, keep the rest.

How it works: pydantic reports all errors of a document at once. Each becomes a problem with
file and line. The invalid values are pruned, and the rest is validated again, until it is
valid. Later rounds find only consequences (a table that lost a required key, an array that
lost its last element): these are pruned too, and not reported.

What must stay true: every round prunes something, so the rounds end; an empty document is a
valid config.
"""

from typing import Any, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from resolver.config.model import Config, VlanConfig
from resolver.config.policy_model import PolicyConfig
from resolver.config.problems import Problem, closest, did_you_mean, one_of, toml_text
from resolver.config.provenance import Document, MergedDocument, Provenance
from resolver.config.section import ConfigSection
from resolver.config.toml_lines import Path
from resolver.config.values import InvalidValue

_KEY = "[key]"
"""What pydantic adds to the path where a table's name is invalid."""

_SIZE = 'a number of bytes, or a size such as "64MiB" (KiB, MiB, GiB)'
_EXPECTED = {
    "bool_type": "true or false, without quotes",
    "string_type": "a text in quotes",
    "int_type": "a whole number without quotes",
    "tuple_type": "an array, in square brackets",
    "dict_type": "a table of tables",
    "model_type": "a table",
    "date_type": "a date without quotes, such as 2015-02-18",
    "datetime_type": "a moment without quotes, such as 2027-03-20T23:59:59+03:30",
    "byte_size": _SIZE,
    "byte_size_unit": _SIZE,
    "timezone_aware": "a moment with its offset from UTC, such as 2027-03-20T23:59:59+03:30",
}

_GONE = {
    "ServerConfig.unknown_clients": "The key is gone: clients in no VLAN are refused.",
    "ListSourceConfig.sha256": "The key is gone: keep a list that must not change as a file.",
    "UpstreamGroupConfig.rebinding_allow": "[upstream] rebinding_allow is for all groups.",
    "BlockLogConfig.file": "The key is gone: it is blocks.jsonl in the state directory.",
}
"""What holds instead of a key of an earlier release."""
_OF_A_POLICY = (
    "It is a key of a policy, which blocks services: write it in the [policies] table that "
    "'policy' of this VLAN names."
)


def validate(merged: MergedDocument) -> tuple[Config, Provenance, list[Problem]]:
    """Validate a merged document; the config has all values that are valid."""
    unknown = tuple(key for key in merged.document if key not in Config.model_fields)
    provenance = Provenance(merged, unknown=unknown)
    document = merged.document
    problems: list[Problem] = []
    while True:
        errors: list[ErrorDetails] = []
        try:
            config = Config.model_validate(document)
            if merged.unresolved <= provenance.pruned:
                return config, provenance, problems
        except ValidationError as failed:
            errors = failed.errors(include_url=False)
        if not provenance.pruned:
            misspelled = {_meant_key(error) for error in errors}
            problems = [
                _problem(error, provenance)
                for error in errors
                if not _follows(error) and error["loc"] not in misspelled
            ]
        culprits = {provenance.path(_culprit(error)) for error in errors}
        pruned = provenance.pruned | culprits | merged.unresolved
        document, kept = _prune(merged.document, pruned)
        provenance = Provenance(merged, pruned, kept, unknown)


def _follows(error: ErrorDetails) -> bool:
    """Whether an array is too short only because its elements are invalid."""
    return error["type"] == "too_short" and bool(error["input"])


def _meant_key(error: ErrorDetails) -> Path:
    """The path of the key that an unknown key is most like; empty for other errors."""
    path = error["loc"]
    if error["type"] != "extra_forbidden":
        return ()
    return (*path[:-1], closest(str(path[-1]), _type_at(path[:-1]).keys()))


def _culprit(error: ErrorDetails) -> Path:
    """What to prune: the invalid value, or the table that lacks a key."""
    return error["loc"][:-1] if error["type"] == "missing" else _path(error)


def _path(error: ErrorDetails) -> Path:
    path = error["loc"]
    wrong_name = error["type"] == "value_error" and path[-1] == _KEY
    return path[:-1] if wrong_name else path


def _problem(error: ErrorDetails, provenance: Provenance) -> Problem:
    path = _path(error)
    text = toml_text(error["input"])
    match error["type"]:
        case "missing":
            return provenance.problem(path, "nothing", _description(path))
        case "extra_forbidden":
            section = _type_at(path[:-1])
            known = section.keys()
            advice = _instead_of_key(section, str(path[-1]))
            return provenance.problem(path, "an unknown key", one_of(known), advice)
        case "literal_error":
            known = get_args(_type_at(path))
            return provenance.problem(
                path, text, one_of(known), did_you_mean(str(error["input"]), known)
            )
        case _:
            expected, advice = _expected(error)
            return provenance.problem(path, text, expected, advice)


def _instead_of_key(section: type[ConfigSection], key: str) -> str:
    """What to do about an unknown key."""
    if section is VlanConfig and key in PolicyConfig.model_fields:
        return _OF_A_POLICY
    return _GONE.get(f"{section.__name__}.{key}") or did_you_mean(key, section.keys())


def _expected(error: ErrorDetails) -> tuple[str, str]:
    """What is expected instead of a value, and advice."""
    bounds = error.get("ctx", {})
    match error["type"]:
        case "value_error":
            invalid: InvalidValue = bounds["error"]
            return invalid.expected, invalid.advice
        case "too_short":
            return f"{_description(error['loc'])}, at least one", ""
        case "greater_than_equal":
            return f"a number of at least {bounds['ge']}", ""
        case "less_than_equal":
            return f"a number of at most {bounds['le']}", ""
        case kind:
            return _EXPECTED.get(kind, error["msg"]), ""


def _description(path: Path) -> str:
    text: str = _type_at(path[:-1]).describe(path[-1])
    return text[0].lower() + text[1:].removesuffix(".")


def _type_at(path: Path) -> Any:  # noqa: ANN401 - an annotation: a section, a union, a generic
    """The annotation at a path of the model."""
    kind: Any = Config
    for part in path:
        if arguments := get_args(kind):  # of a dict or a tuple
            kind = arguments[get_origin(kind) is dict]
        else:
            kind = kind.keys()[part].annotation
    return kind


def _prune(document: Document, pruned: frozenset[Path]) -> tuple[Document, dict[Path, list[int]]]:
    """A document without the pruned values; only tables and arrays around these are copied.

    The second value has, for each array that is copied, the indices of the elements that stay.
    """
    around = {path[:end] for path in pruned for end in range(len(path))}
    kept: dict[Path, list[int]] = {}

    def copied(value: Any, path: Path) -> Any:  # noqa: ANN401 - of the value's own type
        if path not in around:
            return value
        if isinstance(value, dict):
            inner = {key: (*path, key) for key in value}
            return {key: copied(value[key], at) for key, at in inner.items() if at not in pruned}
        if isinstance(value, list):
            kept[path] = [index for index in range(len(value)) if (*path, index) not in pruned]
            return [copied(value[index], (*path, index)) for index in kept[path]]
        return value

    return copied(document, ()), kept
