"""Every scenario, a file each: what a client gets, what is counted, who was asked."""

import pathlib

import pytest
from dnslib import DNSRecord

from resolver.engine.labels import QueryLabels
from resolver.engine.replies import UNKNOWN_VLAN
from resolver.engine.result import Drop, Reply
from resolver.policy.compiled import CompiledConfig
from resolver.policy.verdict import NO_SERVICE
from tests.scenarios.file import FILES, SCENARIOS, Scenario, Step, read
from tests.scenarios.packets import (
    extended_errors,
    normal,
    opts,
    query,
    rcode,
    set_flags,
    shown,
)
from tests.scenarios.stage import Stage


def _param(path: pathlib.Path) -> object:
    scenario = read(path)
    marks = [pytest.mark.xfail(strict=True, reason=scenario.fails)] if scenario.fails else []
    return pytest.param(scenario, id=str(path.relative_to(SCENARIOS)), marks=marks)


@pytest.mark.parametrize("scenario", [_param(path) for path in FILES])
def test_scenario(scenario: Scenario) -> None:
    stage = Stage(scenario)
    assert scenario.about
    for number, (step, played) in enumerate(zip(scenario.step, stage.play(), strict=True), start=1):
        try:
            assert played.result is not None
            assert played.compiled is not None
            check(step, played.result)
            check_labels(step, played.result.counter.labels, played.compiled)
            assert played.asked == step.upstream
            assert played.took <= step.within
        except AssertionError as error:
            error.add_note(f"in step {number}: {step.ask or step.packet}")
            raise


def check(step: Step, result: Reply | Drop) -> None:
    if isinstance(result, Drop):
        assert step.reply == "silence"
        return
    check_bytes(step, result.packet)
    reply = DNSRecord.parse(result.packet)
    expected = {
        "reply": step.reply,
        "answer": normal(step.answer),
        "authority": normal(step.authority),
        "additional": normal(step.additional),
        "flags": {"ra", *step.flags},
    }
    got = {
        "reply": rcode(reply),
        "answer": [shown(record) for record in reply.rr],
        "authority": [shown(record) for record in reply.auth],
        "additional": [shown(record) for record in reply.ar if record not in opts(reply)],
        "flags": set_flags(reply) - ({"rd", "cd"} & asked_flags(step)),
    }
    assert got == expected
    check_errors(step, reply)


def asked_flags(step: Step) -> set[str]:
    """RD and CD as they were asked, which a reply echoes."""
    return set_flags(DNSRecord.parse(query(step))) if step.ask else {"rd"}


def check_bytes(step: Step, packet: bytes) -> None:
    """What holds for every reply: ID, question, size, OPT."""
    asked = query(step)
    assert packet[:2] == asked[:2]
    assert packet[2] & 0x80
    if step.ask:
        end = asked.index(b"\x00", 12) + 5
        assert packet[12:end] == asked[12:end]
        sent = DNSRecord.parse(asked)
        sizes = [max(512, min(opt.edns_len, 1232)) for opt in opts(sent)] or [512]
        assert len(packet) <= (65535 if step.over == "tcp" else sizes[0])
        assert len(opts(DNSRecord.parse(packet))) == len(opts(sent))
    if step.opt is not None:
        assert len(opts(DNSRecord.parse(packet))) == step.opt
    if step.no_larger:
        assert len(packet) <= len(asked)


def check_errors(step: Step, reply: DNSRecord) -> None:
    errors = extended_errors(reply)
    if not step.ede:
        assert errors == []
        return
    (error,) = errors
    code, _, words = step.ede.partition(" ")
    assert error.split(" ")[0] == code
    assert words in error
    if not words:
        assert error == code


def check_labels(step: Step, labels: QueryLabels, compiled: CompiledConfig) -> None:
    got = {
        "outcome": labels.outcome.label,
        "vlan": "unknown" if labels.vlan == UNKNOWN_VLAN else compiled.vlans[labels.vlan].name,
        "service": "" if labels.service == NO_SERVICE else compiled.services[labels.service].name,
    }
    expected = {name: getattr(step, name) or got[name] for name in ("outcome", "vlan")}
    expected["service"] = got["service"] if step.service is None else step.service
    assert got == expected
