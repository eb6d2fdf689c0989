"""What answers lead to: a blocked service, the own network; and a claim of AD."""

import socket
from collections.abc import Iterable
from contextlib import ExitStack

from tests.live.configs import BLOCKLISTS
from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import PUBLICITY, ask, ask_raw
from tests.programs.attacks.fake_upstream import Asked, Say, upstream
from tests.programs.attacks.real_server import darban

_BLOCKS = "127.0.30.5"
"""Its policy blocks Telegram; it shares the cache with ``PUBLICITY``."""
_GUARDED = "127.0.31.5"
"""Its upstreams have the protection against rebinding, and are not believed."""
_MORE = """
[upstreams.guarded]
servers = ["{where}"]
rebinding_protection = true
[policies.blocks]
block = ["telegram"]
[policies.guarded]
upstream = "guarded"
[vlans.blocks]
prefixes = ["127.0.30.0/24"]
policy = "blocks"
[vlans.guarded]
prefixes = ["127.0.31.0/24"]
policy = "guarded"
"""
_HTTPS = 65
_AD = 0x0020


def _forms(address: str) -> dict[str, tuple[int, list[bytes]]]:
    """The records that lead to an IPv4 address, by the name that has them."""
    octets = socket.inet_aton(address)
    target, here = wire.wire("edge.example"), wire.AT_QUESTION
    inside = {
        "mapped": b"\0" * 10 + b"\xff\xff" + octets,
        "compatible": b"\0" * 12 + octets,
        "nat64": bytes.fromhex("0064ff9b") + b"\0" * 8 + octets,
        "6to4": b"\x20\x02" + octets + b"\0" * 9 + b"\1",
    }
    hint = b"\0\1\0" + b"\0\4\0\4" + octets
    return {
        "plain": (wire.A, [wire.record(here, wire.A, octets)]),
        "alias": (
            wire.A,
            [wire.record(here, wire.CNAME, target), wire.record(target, wire.A, octets)],
        ),
        "hint": (_HTTPS, [wire.record(here, _HTTPS, hint)]),
        "second": (
            wire.A,
            [wire.address(here, "192.0.2.1"), wire.record(here, wire.A, octets)],
        ),
        **{
            form: (wire.AAAA, [wire.record(here, wire.AAAA, whole)])
            for form, whole in inside.items()
        },
    }


def _passed(port: int, client: str, name: str, qtype: int, address: str) -> bool:
    """Whether a reply has an address, in whatever form."""
    packet = ask_raw(port, wire.question(name, qtype), client)
    return packet is not None and socket.inet_aton(address) in packet


def _led_to(address: str, client: str) -> Seen:
    """Every form, for names that another VLAN has just asked for and for names that none has."""
    forms = _forms(address)

    def script(asked: Asked) -> Iterable[Say]:
        if asked.name.endswith(".leads.example"):
            qtype, records = forms[asked.name.split(".")[1]]
            return [Say(wire.reply(asked.packet, records if asked.qtype == qtype else []))]
        return [Say(wire.reply(asked.packet))]

    with ExitStack() as stack:
        where = stack.enter_context(upstream(script)).where
        lists = [BLOCKLISTS]
        server = stack.enter_context(darban([where], more=_MORE.format(where=where), lists=lists))
        passed = opened = 0
        for form, (qtype, _) in forms.items():
            for name in (f"warm.{form}.leads.example", f"cold.{form}.leads.example"):
                if name.startswith("warm"):
                    opened += _passed(server.port, PUBLICITY, name, qtype, address)
                passed += _passed(server.port, client, name, qtype, address)
    text = f"{passed} of {2 * len(forms)} passed on, {opened} of {len(forms)} to another VLAN"
    return Seen(not passed and opened == len(forms), text)


def hidden_address() -> Seen:
    """Telegram's address behind names that no list has."""
    return _led_to("91.108.8.7", _BLOCKS)


def rebinding() -> Seen:
    """An address of the own network behind names of an attacker."""
    return _led_to("10.0.0.1", _GUARDED)


def claimed_ad() -> Seen:
    """An upstream sets AD on all that it says, and validates nothing."""

    def script(asked: Asked) -> Iterable[Say]:
        answer = [wire.address(wire.AT_QUESTION, "192.0.2.1")]
        return [Say(wire.reply(asked.packet, answer, flags=_AD))]

    with ExitStack() as stack:
        where = stack.enter_context(upstream(script)).where
        lists = [BLOCKLISTS]
        server = stack.enter_context(darban([where], more=_MORE.format(where=where), lists=lists))
        packets = [
            wire.question(f"n{n}.example", flags=wire.RD | flag, edns=edns)
            for n, (flag, edns) in enumerate(
                [(_AD, b""), (0, wire.opt(dnssec_ok=True)), (_AD, wire.opt(dnssec_ok=True))] * 2
            )
        ]
        replies = [ask(server.port, packet, _GUARDED) for packet in packets]
        believed = [ask(server.port, packet, PUBLICITY) for packet in packets]
    claimed, trusted = (
        sum(bool(reply and reply.addresses and reply.flags & _AD) for reply in group)
        for group in (replies, believed)
    )
    answered = sum(bool(reply and reply.addresses) for reply in replies)
    text = f"{claimed} of {answered} answers with AD, {trusted} where the upstream is trusted"
    return Seen(not claimed and answered == trusted == len(packets), text)


ATTACKS = (
    Attack("hidden-address", "no form passed on, all to another VLAN", hidden_address),
    Attack("rebinding", "no form passed on, all to another VLAN", rebinding),
    Attack("claimed-ad", "no answer with AD, all where the upstream is trusted", claimed_ad),
)
