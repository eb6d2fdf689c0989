"""The judgement of ``python -m tests.programs.chaos``, and a few of its faults, shorter."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.live.server import processes
from tests.live.waiting import wait_for
from tests.programs.attacks import wire
from tests.programs.attacks.fake_upstream import Asked
from tests.programs.chaos import truth
from tests.programs.chaos.faults import FAULTS
from tests.programs.chaos.load import Load
from tests.programs.chaos.rows import Pace, suffer
from tests.programs.chaos.system import System, system
from tests.programs.chaos.truth import Kind, Question, Truth, Verdict, WrongAnswer
from tests.programs.chaos.upstream import FaultyUpstream, Mode

STAFF, PRESS = "127.0.10.5", "127.0.20.5"
QUICK = (
    ("worker-killed",),
    ("upstream-forged",),
    ("config-broken",),
    ("list-server-garbage",),
    ("supervisor-killed", "reload"),
    ("worker-frozen", "supervisor-killed"),
    ("one-upstream-refusing",),
)
PACE = Pace(rate=150, warm=1.0, before=0.3, after=0.3, burst=1000)
BANNED = Question(Kind.BANNED, STAFF, f"n1.{truth.BANNED_ZONE}", wire.A)
PASSED = BANNED._replace(client=PRESS)
EXEMPT = BANNED._replace(client=truth.EXEMPT)
FRESH = Question(Kind.FRESH, STAFF, "n1.fresh.example", wire.AAAA)
EDNS = FRESH._replace(edns=True)
LONG = Question(Kind.KNOWN, STAFF, "n3.known.example", wire.A)
ALIAS = Question(Kind.ALIAS, PRESS, f"n1.{truth.ALIAS_ZONE}", wire.A)


def reply(question: Question, *records: bytes, rcode: int = 0, flags: int = 0) -> bytes:
    packet = wire.question(question.name, question.qtype)
    return wire.reply(packet, records, rcode=rcode, flags=flags)


def true(question: Question, age: int = 0) -> bytes:
    name, ttl = truth.target(question.name), truth.ttl(question.name) - age
    data = truth.address(name, question.qtype)
    owner = wire.wire(name)
    if name == question.name:
        return reply(question, wire.record(owner, question.qtype, data, ttl))
    alias = wire.record(wire.AT_QUESTION, wire.CNAME, owner, ttl)
    return reply(question, alias, wire.record(owner, question.qtype, data, ttl))


def sinkhole(
    question: Question, ttl: int = truth.BLOCKED_TTL, additional: Sequence[bytes] = ()
) -> bytes:
    packet = wire.question(question.name, question.qtype)
    return wire.reply(packet, [wire.address(wire.AT_QUESTION, "0.0.0.0", ttl)], (), additional)


def upstream_gave(question: Question, *moments: float) -> Truth:
    right = Truth()
    for moment in moments:
        right.give(question.name, question.qtype, moment)
    return right


@pytest.mark.parametrize(
    ("question", "packet", "verdict"),
    [
        (BANNED, sinkhole(BANNED), Verdict.BLOCKED),
        (PASSED, true(PASSED), Verdict.PASSED),
        (EXEMPT, true(EXEMPT), Verdict.PASSED),
        (FRESH, true(FRESH), Verdict.PASSED),
        (FRESH, reply(FRESH, rcode=wire.SERVFAIL), Verdict.FAILED),
        (ALIAS, true(ALIAS), Verdict.PASSED),
        (ALIAS._replace(client=STAFF), sinkhole(ALIAS), Verdict.BLOCKED),
        (EDNS, true(FRESH)[:11] + b"\1" + true(FRESH)[12:] + wire.opt(), Verdict.PASSED),
    ],
)
def test_a_right_reply(question: Question, packet: bytes, verdict: Verdict) -> None:
    assert upstream_gave(question, 1).check(question, packet, 1, 2) is verdict


@pytest.mark.parametrize(
    ("question", "packet"),
    [
        (BANNED, true(BANNED)),
        (BANNED, reply(BANNED, rcode=wire.SERVFAIL)),
        (ALIAS._replace(client=STAFF), true(ALIAS)),
        (EXEMPT, sinkhole(EXEMPT)),
        (PASSED, sinkhole(PASSED)),
        (BANNED, sinkhole(BANNED, truth.BLOCKED_TTL + 1)),
        (PASSED, true(PASSED, -1)),
        (EDNS, true(FRESH)),
        (FRESH, reply(FRESH, wire.opt())),
        (BANNED._replace(edns=True), sinkhole(BANNED, additional=[wire.opt()])),
        (PASSED, true(PASSED)[:-1]),
        (PASSED, true(PASSED) + b"\0"),
        (PASSED, b""),
        (PASSED, true(FRESH)),
        (PASSED, true(PASSED._replace(qtype=wire.AAAA))),
        (PASSED, reply(PASSED)),
        (PASSED, reply(PASSED, rcode=wire.NXDOMAIN)),
        (PASSED, reply(PASSED, flags=wire.TC)),
        (PASSED, reply(PASSED, wire.address(wire.AT_QUESTION, truth.LIE))),
        (
            PASSED,
            reply(PASSED, wire.record(wire.AT_QUESTION, wire.A, truth.address("n2.x", wire.A))),
        ),
        (ALIAS, reply(ALIAS, *(true(ALIAS)[-16:],))),
        (FRESH, wire.question(FRESH.name, FRESH.qtype)),
    ],
)
def test_a_wrong_reply(question: Question, packet: bytes) -> None:
    with pytest.raises(WrongAnswer):
        upstream_gave(question, 1).check(question, packet, 1, 2)


@pytest.mark.parametrize(
    ("age", "given", "right"),
    [
        (0, [100], True),
        (0, [95, 100], True),
        (5, [95, 100], True),
        (5, [95], True),
        (0, [95], False),
        (3, [95, 100], False),
        (9, [95], False),
        (0, [], False),
    ],
)
def test_a_ttl_is_what_is_left_of_that_of_the_upstream(
    age: int, given: list[float], right: bool
) -> None:
    check = partial(upstream_gave(LONG, *given).check, LONG, true(LONG, age), 100.2, 100.4)
    if right:
        assert check() is Verdict.PASSED
    else:
        with pytest.raises(WrongAnswer):
            check()


def test_an_answer_that_has_expired_is_right_while_an_upstream_may_fail() -> None:
    right = upstream_gave(LONG, 100)
    stale = true(LONG, truth.ttl(LONG.name) - truth.STALE_TTL)
    with pytest.raises(WrongAnswer):
        right.check(LONG, stale, 500, 501)
    right.stale.begin(True, 400)
    assert right.check(LONG, stale, 500, 501) is Verdict.PASSED


@pytest.mark.parametrize("mode", [Mode.FORGED, Mode.LYING, Mode.UNSOLICITED])
def test_every_lie_of_the_upstream_would_be_noticed(mode: Mode) -> None:
    upstream = FaultyUpstream(1, Truth())
    upstream.mode = mode
    packet = wire.question(FRESH.name, FRESH.qtype, ident=7)
    asked = Asked(packet, FRESH.name, FRESH.qtype, ("", 0), False, 0.0)
    for _ in range(50):
        said = [say.packet for say in upstream(asked)]
        right = said[0] if mode is Mode.UNSOLICITED else said[-1]
        lies = [octets for octets in said if octets != right]
        assert wire.read(right).answer[0].data == truth.address(FRESH.name, FRESH.qtype)
        assert lies
        assert not any(wire.ident_of(lie) == 7 and _is_right(FRESH, lie) for lie in lies)


def _is_right(question: Question, packet: bytes) -> bool:
    try:
        return truth.read(question, packet) is not None
    except WrongAnswer:
        return False


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[System, Load]]:
    with system(1, PACE.rate) as (whole, load):
        yield whole, load


@pytest.mark.end_to_end
@pytest.mark.parametrize("names", QUICK, ids="+".join)
def test_a_fault_costs_no_more_than_it_may(
    running: tuple[System, Load], names: tuple[str, ...]
) -> None:
    faults = [fault for name in names for fault in FAULTS if fault.name == name]
    for fault in faults:
        if reason := fault.lacks():
            pytest.skip(reason)
    row = suffer(
        *running, [fault._replace(seconds=min(fault.seconds, 1)) for fault in faults], PACE
    )
    assert row.tally.answered
    assert not row.broken, (row.broken, row.said)
    whole = running[0]
    wait_for(
        lambda: sorted(_running_in(whole.server.directory)) == sorted(whole.everyone()),
        "no other process is left",
    )


def _running_in(directory: Path) -> Iterator[int]:
    for pid, _, _ in processes():
        with suppress(OSError):  # it has ended meanwhile
            if Path(f"/proc/{pid}/cwd").readlink() == directory:
                yield pid
