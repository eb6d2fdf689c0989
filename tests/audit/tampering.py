"""Every way that was tried to tamper with the audit log, and what finds it.

``LOG``: the records themselves; ``HEAD_FILE``: only the head beside them; ``WITNESS``: only a head
that somebody else has noted; ``NOTHING``: SECURITY.md and answer-auditor.md say so.
"""

import json
from collections.abc import Callable
from enum import Enum, auto

from resolver.audit.journal import EARLIER
from resolver.audit.record import Head, read_record
from tests.audit.node import HOUR, Node, at, forged


class By(Enum):
    """What finds it."""

    LOG = auto()
    HEAD_FILE = auto()
    WITNESS = auto()
    NOTHING = auto()


Tamper = Callable[[Node], None]
OLD_LINE = b'{"time": 1.5, "event": "reload", "who": "", "snapshot": "aa", "exemptions": []}\n'
"""A record of a release before 1.2."""
ATTEMPTS: dict[str, tuple[By, list[str], Tamper]] = {}
"""By name: what finds it, the findings without a witness or with one, and what is done."""


def attempt(by: By, *findings: str) -> Callable[[Tamper], Tamper]:
    def add(tamper: Tamper) -> Tamper:
        ATTEMPTS[tamper.__name__.replace("_", " ")] = by, list(findings), tamper
        return tamper

    return add


def _head(line: bytes) -> Head:
    record = read_record(line[:-1])
    assert record is not None
    return record.head


def write_anew(node: Node, begin: list[bytes], more: list[bytes]) -> None:
    """Write lines, then others with other links, and the head after them."""
    anew = [*begin]
    for line in more:
        anew.append(forged(line, anew[-1]))
    node.lines = anew
    node.head_file.write_text(json.dumps(_head(anew[-1])._asdict()))


@attempt(By.LOG, "taken_out")
def a_record_taken_out(node: Node) -> None:
    node.lines = node.lines[:2] + node.lines[3:]


@attempt(By.LOG, "changed")
def a_record_changed(node: Node) -> None:
    lines = node.lines
    node.lines = [*lines[:2], lines[2].replace(b'"uid 0"', b'"uid 7"'), *lines[3:]]


@attempt(By.LOG, "taken_out", "moved", "taken_out")
def two_records_swapped(node: Node) -> None:
    one, two, three, *rest = node.lines
    node.lines = [one, three, two, *rest]


@attempt(By.LOG, "taken_out", "moved")
def a_copy_of_the_last_line_put_second(node: Node) -> None:
    one, *rest = node.lines
    node.lines = [one, rest[-1], *rest]


@attempt(By.LOG, "moved", "taken_out")
def a_copied_line_put_before_an_older_one(node: Node) -> None:
    lines = node.lines
    node.lines = [*lines[:4], lines[1], *lines[4:]]


@attempt(By.LOG, "moved")
def a_copy_of_an_older_line_put_last(node: Node) -> None:
    lines = node.lines
    node.lines = [*lines, lines[1]]


@attempt(By.LOG, "moved")
def a_record_put_between_with_its_right_link(node: Node) -> None:
    lines = node.lines
    node.lines = [*lines[:3], forged(lines[2], lines[2], snapshot="f" * 16), *lines[3:]]


@attempt(By.LOG, "no_record")
def a_line_of_an_earlier_release_put_between(node: Node) -> None:
    old = b'{"time": 1.5, "event": "reload", "who": "", "snapshot": "aa", "exemptions": []}\n'
    node.lines = [*node.lines[:3], old, *node.lines[3:]]


@attempt(By.LOG, "no_record")
def an_empty_line_put_between(node: Node) -> None:
    node.lines = [*node.lines[:3], b"\n", *node.lines[3:]]


@attempt(By.LOG, "no_record")
def a_line_of_an_earlier_release_added_before_a_start(node: Node) -> None:
    old = b'{"time": 1.5, "event": "reload", "who": "", "snapshot": "aa", "exemptions": []}\n'
    node.lines = [*node.lines, old]
    node.restart()
    node.put("aa")


@attempt(By.LOG, "earlier_changed")
def a_line_of_an_earlier_release_put_first(node: Node) -> None:
    old = b'{"time": 1.5, "event": "reload", "who": "", "snapshot": "aa", "exemptions": []}\n'
    node.lines = [old, *node.lines]


@attempt(By.LOG, "no_begin")
def the_first_records_removed(node: Node) -> None:
    node.lines = node.lines[3:]


@attempt(By.LOG, "no_begin")
def the_first_records_removed_and_the_next_moved_to_the_other_file(node: Node) -> None:
    lines = node.lines
    (node.state / EARLIER).write_bytes(lines[3])
    node.lines = lines[4:]


@attempt(By.LOG, "boottime_back")
def a_record_of_an_earlier_time_added_with_its_right_link(node: Node) -> None:
    lines = node.lines
    told = json.loads(lines[1])
    node.lines = [*lines, forged(lines[1], lines[-1], time=told["time"])]


@attempt(By.LOG, "figures_changed")
def sealed_figures_edited(node: Node) -> None:
    node.figures[0.0] = "edited"


@attempt(By.LOG, "figures_changed")
def sealed_figures_edited_and_sealed_again_after_a_record_with_an_earlier_clock(node: Node) -> None:
    node.figures[0.0] = "edited"
    node.put("aa", at(node.now, ahead=-3 * HOUR))
    node.seal(0.0, HOUR, at(node.now), "edited")


@attempt(By.HEAD_FILE, "head_ahead")
def the_last_record_changed(node: Node) -> None:
    *rest, last = node.lines
    node.lines = [*rest, last.replace(b'"uid 0"', b'"uid 7"')]


@attempt(By.HEAD_FILE, "head_ahead")
def the_last_records_cut_off(node: Node) -> None:
    node.lines = node.lines[:-2]


@attempt(By.HEAD_FILE, "head_ahead")
def the_log_emptied(node: Node) -> None:
    node.lines = []


@attempt(By.HEAD_FILE, "head_ahead")
def the_log_removed(node: Node) -> None:
    node.log.unlink()


@attempt(By.HEAD_FILE, "lost")
def the_end_of_the_last_line_removed_before_a_start(node: Node) -> None:
    node.log.write_bytes(node.log.read_bytes()[:-1])
    node.restart()
    node.put("aa")


@attempt(By.HEAD_FILE, "lost")
def the_log_removed_before_a_start(node: Node) -> None:
    node.log.unlink()
    node.restart()
    node.put("aa")


@attempt(By.HEAD_FILE, "head_ahead")
def a_backup_of_the_log_alone_restored(node: Node) -> None:
    backup = node.lines
    node.write(2)
    node.lines = backup


@attempt(By.HEAD_FILE, "lost")
def a_backup_of_the_log_alone_restored_before_a_start(node: Node) -> None:
    a_backup_of_the_log_alone_restored(node)
    node.restart()
    node.write(3)


@attempt(By.HEAD_FILE, "lost")
def the_end_cut_off_while_the_server_runs(node: Node) -> None:
    node.lines = node.lines[:-2]
    node.head_file.unlink()
    node.put("aa")


@attempt(By.HEAD_FILE, "no_head")
def the_end_cut_off_and_the_head_removed(node: Node) -> None:
    node.lines = node.lines[:-2]
    node.head_file.unlink()


@attempt(By.HEAD_FILE, "lost")
def the_end_cut_off_and_the_head_removed_before_a_start(node: Node) -> None:
    the_end_cut_off_and_the_head_removed(node)
    node.restart()
    node.put("aa")


@attempt(By.WITNESS, "head_missing")
def the_end_cut_off_and_the_head_written_anew(node: Node) -> None:
    write_anew(node, node.lines[:-2], [])


@attempt(By.WITNESS, "head_missing")
def everything_removed(node: Node) -> None:
    node.restore({})


@attempt(By.WITNESS, "head_missing")
def everything_removed_before_a_start(node: Node) -> None:
    node.restore({})
    node.restart()
    node.write(3)


@attempt(By.WITNESS, "head_missing")
def everything_written_anew(node: Node) -> None:
    node.restore({})
    node.restart()
    node.now = 0.0
    node.write(9)


@attempt(By.WITNESS, "head_missing")
def a_record_changed_and_all_after_it_written_anew(node: Node) -> None:
    lines = node.lines
    write_anew(node, [*lines[:2], forged(lines[2], lines[1], snapshot="f" * 16)], lines[3:])


@attempt(By.WITNESS, "before_head")
def a_record_of_another_boot_added_for_a_time_before_the_witness(node: Node) -> None:
    node.put("f" * 16, at(120.0, boot="two"))


@attempt(By.NOTHING)
def a_record_added_with_its_right_link_while_the_server_is_stopped(node: Node) -> None:
    lines = node.lines
    told = json.loads(lines[-1])
    node.lines = [*lines, forged(lines[-1], lines[-1], time=told["time"] + 5, snapshot="f" * 16)]


@attempt(By.LOG, "early_rotation", "no_begin")
def the_first_records_removed_with_an_added_one_that_says_they_went(node: Node) -> None:
    lines = node.lines
    removed = _head(lines[2])._asdict()
    node.lines = [*lines[3:], forged(lines[-1], lines[-1], event="rotated", removed=removed)]


@attempt(By.LOG, "early_rotation")
def the_first_records_removed_with_a_small_file_that_says_they_went(node: Node) -> None:
    lines = node.lines
    removed = _head(lines[2])._asdict()
    closed = forged(lines[3], lines[3], event="rotated", removed=removed)
    (node.state / EARLIER).write_bytes(lines[3] + closed)
    write_anew(node, [closed], lines[4:])
    node.lines = node.lines[1:]


@attempt(By.LOG, "early_rotation", "early_rotation")
def all_written_anew_with_records_that_say_that_the_witnessed_ones_went(node: Node) -> None:
    lines = node.lines
    anew = [lines[0].replace(b'"uid 0"', b'"uid 7"')]
    for head in (_head(lines[2]), _head(lines[-1])):
        anew.append(forged(lines[1], anew[-1], event="rotated", removed=head._asdict()))
    write_anew(node, anew, lines[3:])


@attempt(By.NOTHING)
def figures_edited_before_their_seal(node: Node) -> None:
    node.figures[2 * HOUR] = "edited"


@attempt(By.NOTHING)
def what_was_written_after_the_last_witnessed_head_rewritten(node: Node) -> None:
    kept = node.kept()
    node.put("aa")
    node.restore(kept)
    node.restart()
    node.put("bb")
