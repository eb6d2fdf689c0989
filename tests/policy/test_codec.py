"""Values of snapshots as JSON, also those that an earlier or a later release wrote."""

from dataclasses import dataclass

import pytest

from resolver.policy import codec
from resolver.policy.clauses import Action, Clause, DefaultRule, PolicyRules


@dataclass(frozen=True)
class _Earlier:
    name: bytes


@dataclass(frozen=True)
class _Now:
    name: bytes
    limits: tuple[int, ...] = (7,)


def test_a_field_that_an_earlier_release_did_not_have_gets_its_default() -> None:
    assert codec.decode(_Now, codec.encode(_Earlier(b"\x01"))) == _Now(b"\x01", (7,))


def test_a_field_that_is_not_known_is_an_error() -> None:
    with pytest.raises(ValueError, match="fields that are not known: limits"):
        codec.decode(_Earlier, codec.encode(_Now(b"\x01", (8,))))


def test_a_field_without_a_default_is_required() -> None:
    with pytest.raises(TypeError, match="name"):
        codec.decode(_Now, {})


def test_a_list_has_the_fields_in_their_order_as_releases_before_wrote_it() -> None:
    assert codec.decode(_Now, ["01", [8]]) == _Now(b"\x01", (8,))
    with pytest.raises(ValueError, match="2 fields where at most 1 are known"):
        codec.decode(_Earlier, ["01", [8]])


@dataclass(frozen=True)
class _Name(codec.Variant):
    name: bytes


@dataclass(frozen=True)
class _Number(codec.Variant):
    number: int


@dataclass(frozen=True)
class _Either:
    variants: tuple[_Name | _Number, ...]


def test_a_variant_is_read_as_the_class_that_it_was_written_as() -> None:
    either = _Either((_Name(b"\x01"), _Number(7)))
    assert codec.decode(_Either, codec.encode(either)) == either
    with pytest.raises(KeyError, match="_Other"):
        codec.decode(_Either, {"variants": [{"is": "_Other"}]})


@dataclass(frozen=True)
class _Clauses:
    clauses: tuple[Clause, ...]


def test_a_class_with_another_name_has_the_name_that_earlier_releases_stored() -> None:
    value = _Clauses((PolicyRules((), "office"), DefaultRule(Action.BLOCK)))
    rules = {"is": "OwnRules", "rules": [], "vlan": "office"}
    stored = {"clauses": [rules, {"is": "Unlisted", "does": "block"}]}
    assert codec.encode(value) == stored
    assert codec.decode(_Clauses, stored) == value
