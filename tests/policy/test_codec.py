"""Values of snapshots as JSON, also those that an earlier or a later release wrote."""

from dataclasses import dataclass

import pytest

from resolver.policy import codec


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
    with pytest.raises(ValueError, match="2 fields where at most 1 are known"):
        codec.decode(_Earlier, codec.encode(_Now(b"\x01", (8,))))


def test_a_field_without_a_default_is_required() -> None:
    with pytest.raises(TypeError, match="name"):
        codec.decode(_Now, [])
