"""States of a log, as files, with what is to be said of each.

For what has to do with figures, there are others (``tampering.py``).
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from resolver.audit.journal import BESIDE, EARLIER, HEAD, JOURNAL
from resolver.audit.record import Head
from tests.audit.node import HOUR, Node, at, forged
from tests.audit.strange_lines import STRANGE
from tests.audit.tampering import ATTEMPTS, OLD_LINE, By, write_anew
from tests.snapshot.save_state import STATES

WHOLE, NOT_WHOLE, UNREADABLE, NOT_CHECKABLE = 0, 1, 2, 4
"""Exit codes."""
BOUND = 3000
"""Octets at which the files of a case are closed that has rotations."""
_OTHER = "f" * 64


class LogCase(NamedTuple):
    """What to write into a state directory."""

    put: Callable[[Node], str]
    """Writes the files; what to give as ``--head``, or nothing."""
    status: int
    rotates: bool = False


def _written(node: Node) -> Head:
    node.write(5)
    node.now = 3 * HOUR
    node.seal(0.0, HOUR, at(node.now))
    return node.write(3)


def _attempts() -> Iterator[tuple[str, LogCase]]:
    for name, (by, findings, tamper) in ATTEMPTS.items():
        if "figures_changed" in findings:
            continue
        for form in ("", "{0.number}:{0.hash}", "{0.hash}"):

            def put(node: Node, form: str = form, tamper: Callable[[Node], None] = tamper) -> str:
                head = _written(node)
                tamper(node)
                return form.format(head)

            is_found = bool(findings) and (by is not By.WITNESS or form != "")
            yield f"{name} {form[:8]}", LogCase(put, NOT_WHOLE if is_found else WHOLE)


def _lines_and_heads() -> Iterator[tuple[str, LogCase]]:
    for number, text in enumerate(STRANGE):

        def add(node: Node, text: bytes = text) -> str:
            node.write(2)
            node.lines = [*node.lines, text + b"\n"]
            return ""

        def damage(node: Node, text: bytes = text) -> str:
            node.write(2)
            node.head_file.write_bytes(text[:60_000])
            return ""

        yield f"strange line {number}", LogCase(add, NOT_WHOLE)
        yield f"strange head {number}", LogCase(damage, NOT_WHOLE)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def _irregular() -> Iterator[tuple[str, LogCase]]:
    ways: dict[str, Callable[[Path], None]] = {
        "a pipe": os.mkfifo,
        "a directory": Path.mkdir,
        "a device": lambda path: path.symlink_to("/dev/zero"),
        "a sparse file": _sparse,
    }
    for way, make in ways.items():
        for name in (JOURNAL, EARLIER, HEAD):

            def put(node: Node, name: str = name, make: Callable[[Path], None] = make) -> str:
                node.write(2)
                (node.state / name).unlink(missing_ok=True)
                make(node.state / name)
                return ""

            yield f"{way} as {name}", LogCase(put, UNREADABLE)


def _hard_link(node: Node) -> str:
    node.write(3)
    (node.state / EARLIER).hardlink_to(node.log)
    return ""


def _torn(node: Node) -> str:
    node.write(3)
    node.log.write_bytes(node.log.read_bytes() + b'{"version": 2, "number": 4')
    return ""


def _head_behind(node: Node) -> str:
    node.write(2)
    kept = node.head_file.read_bytes()
    node.write(2)
    node.head_file.write_bytes(kept)
    return ""


def _no_head_yet(node: Node) -> str:
    node.write(1)
    node.head_file.unlink()
    return ""


def _nothing(node: Node) -> str:
    node.state.mkdir()
    return ""


def _head(form: str) -> Callable[[Node], str]:
    def put(node: Node) -> str:
        node.write(2)
        head = node.write(3)
        node.write(1)
        return form.format(head, head.hash.upper())

    return put


def _late_seal(seconds: float, release: str) -> Callable[[Node], str]:
    """A seal by a clock that was read before the record before it was written."""

    def put(node: Node) -> str:
        head = node.write(2)
        node.seal(0.0, HOUR, at(node.now - seconds))
        *lines, seal = node.lines
        write_anew(node, lines, [forged(seal, lines[-1], release=release)])
        return head.text

    return put


_SIMPLE = {
    "a seal of 1.2 that has waited": LogCase(_late_seal(9, "1.2.0"), WHOLE),
    "a seal of 1.2 of an earlier time": LogCase(_late_seal(11, "1.2.0"), NOT_WHOLE),
    "a seal of an earlier time": LogCase(_late_seal(1, "1.3.0"), NOT_WHOLE),
    "a hard link, while a file gets its other name": LogCase(_hard_link, WHOLE),
    "a torn line": LogCase(_torn, WHOLE),
    "a head that is behind": LogCase(_head_behind, WHOLE),
    "a kill before the first head": LogCase(_no_head_yet, WHOLE),
    "nothing": LogCase(_nothing, WHOLE),
    "a head": LogCase(_head("{0.number}:{0.hash}"), WHOLE),
    "a head in capitals": LogCase(_head("{0.number}:{1}"), WHOLE),
    "a head with another number": LogCase(_head("7{0.number}:{0.hash}"), WHOLE),
    "a head with another hash": LogCase(_head("{0.number}:" + _OTHER), NOT_WHOLE),
    "a later head": LogCase(_head("7{0.number}:" + _OTHER), NOT_WHOLE),
    "another hash": LogCase(_head(_OTHER), NOT_WHOLE),
}


def _upgraded(node: Node, beside: tuple[str, ...] = (), verified: str = "") -> None:
    """A log of a release before 1.2 that goes on."""
    node.state.mkdir()
    node.lines = [OLD_LINE] * 3
    for name in beside:
        (node.state / name).write_bytes(OLD_LINE)
    if verified:
        (node.state / "journal-verified").write_text(verified)
    node.write(2)


def _upgrades() -> Iterator[tuple[str, LogCase]]:
    for verified, status in (
        ("", WHOLE),
        ("exit status 0\n", WHOLE),
        ("exit status 1\n", NOT_WHOLE),
    ):

        def say(node: Node, verified: str = verified) -> str:
            _upgraded(node, verified=verified)
            return ""

        yield f"an upgrade that says {verified!r}", LogCase(say, status)
    for form, status in ((_OTHER, NOT_CHECKABLE), (f"2:{_OTHER}", NOT_WHOLE)):

        def ask(node: Node, form: str = form) -> str:
            _upgraded(node)
            return form

        yield f"an upgrade, and the head {form[:4]}", LogCase(ask, status)
    for name in (EARLIER, BESIDE[1]):

        def leave(node: Node, name: str = name) -> str:
            _upgraded(node, (name,))
            return ""

        def remove(node: Node, name: str = name) -> str:
            _upgraded(node, (name,))
            (node.state / name).unlink()
            return ""

        def change(node: Node, name: str = name) -> str:
            _upgraded(node, (name,))
            (node.state / name).write_bytes(OLD_LINE * 2)
            return ""

        yield f"an upgrade with {name}", LogCase(leave, WHOLE)
        yield f"an upgrade, {name} removed", LogCase(remove, NOT_WHOLE)
        yield f"an upgrade, {name} changed", LogCase(change, NOT_WHOLE)
    for name in BESIDE:

        def add(node: Node, name: str = name) -> str:
            _upgraded(node)
            (node.state / name).write_bytes(OLD_LINE)
            return ""

        yield f"an upgrade, {name} added", LogCase(add, NOT_WHOLE)

    def edit(node: Node) -> str:
        _upgraded(node)
        node.log.write_bytes(node.log.read_bytes().replace(b"1.5", b"2.5"))
        return ""

    yield "an upgrade, an old line edited", LogCase(edit, NOT_WHOLE)
    for state in STATES:
        if not (state / BESIDE[1]).exists():
            continue  # its seal is of figures that are not kept there

        def copy(node: Node, state: Path = state) -> str:
            shutil.copytree(state, node.state)
            return ""

        yield f"the state that is {state.parent.name}", LogCase(copy, WHOLE)


def _rotated(node: Node) -> tuple[list[Head], int]:
    """A log that has rotated twice: all heads, and how many records are gone."""
    heads: list[Head] = []
    while (first := _first_number(node)) == 1:
        heads.append(node.put("aa"))
    return heads, first - 1


def _first_number(node: Node) -> int:
    path = node.state / EARLIER
    path = path if path.exists() else node.log
    return int(json.loads(path.read_bytes().split(b"\n")[0])["number"]) if path.exists() else 1


def _rotations() -> Iterator[tuple[str, LogCase]]:
    for what, place, status in (
        ("the last one", -1, WHOLE),
        ("one that is gone", 0, NOT_CHECKABLE),
        ("another", None, NOT_CHECKABLE),
    ):
        for form in ("{0.number}:{0.hash}", "{0.hash}"):

            def ask(node: Node, place: int | None = place, form: str = form) -> str:
                heads, _ = _rotated(node)
                return form.format(Head(1, _OTHER) if place is None else heads[place])

            yield f"rotations, and the head {what} {form[:8]}", LogCase(ask, status, rotates=True)
    for form, status in (("{0}:{1}", WHOLE), ("{1}", WHOLE), (f"{{0}}:{_OTHER}", NOT_WHOLE)):

        def ask_before(node: Node, form: str = form) -> str:
            _, gone = _rotated(node)
            first = json.loads((node.state / EARLIER).read_bytes().split(b"\n")[0])
            return form.format(gone, first["before"])

        yield (
            f"rotations, and the head before the first {form[:8]}",
            LogCase(ask_before, status, rotates=True),
        )

    def is_kept(node: Node) -> str:
        _, gone = _rotated(node)
        return f"{gone + 1}:{_OTHER}"

    def remove_file(node: Node) -> str:
        _rotated(node)
        (node.state / EARLIER).unlink()
        return ""

    def remove_lines(node: Node) -> str:
        _rotated(node)
        path = node.state / EARLIER
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[2:]))
        return ""

    yield "rotations, and a head with a number that is kept", LogCase(is_kept, NOT_WHOLE, True)
    yield "rotations, the earlier file removed", LogCase(remove_file, NOT_WHOLE, True)
    yield "rotations, the first lines removed", LogCase(remove_lines, NOT_WHOLE, True)


CASES: dict[str, LogCase] = {
    **_SIMPLE,
    **dict(_attempts()),
    **dict(_lines_and_heads()),
    **dict(_irregular()),
    **dict(_upgrades()),
    **dict(_rotations()),
}
