"""A worker searches young objects for cycles, and none of a snapshot that is being loaded."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from resolver.server.garbage import GarbageCollection


@pytest.fixture(autouse=True)
def _collecting_again() -> Iterator[None]:
    yield
    gc.enable()


class Node:
    """An object that refers to itself."""

    def __init__(self) -> None:
        self.itself = self


async def _gone(what: "weakref.ref[Node]") -> None:
    while what() is not None:
        await asyncio.sleep(0.01)


def test_a_young_cycle_is_freed() -> None:
    async def main() -> None:
        GarbageCollection(asyncio.get_running_loop()).start()
        await asyncio.wait_for(_gone(weakref.ref(Node())), 10)

    asyncio.run(main())


def test_what_is_loaded_is_never_searched() -> None:
    def build() -> list[Node]:
        return [Node() for _ in range(100)]

    async def main() -> list[Node]:
        garbage = GarbageCollection(asyncio.get_running_loop())
        garbage.start()
        return await garbage.load(build)

    loaded = asyncio.run(main())
    searched = {id(thing) for thing in gc.get_objects()}
    assert not [node for node in loaded if id(node) in searched]
