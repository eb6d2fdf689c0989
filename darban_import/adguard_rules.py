"""The user rules and the rewrites of AdGuard Home."""

import re
from collections.abc import Iterable
from ipaddress import ip_address

from darban_import.old_setup import OldSetup, rule
from darban_import.yaml_text import Table
from resolver.config.values import InvalidValue, read_name
from resolver.dns import names
from resolver.lists.list_reader import is_null_or_loopback

_RULE = re.compile(r"(@@)?(\|\|?)([^|^$*/@\s]+)\^")
_BARE_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+")
_COMMENTS = ("!", "#")
_FORM = "a rule here is ||name^ or |name^, without modifiers, wildcards and regular expressions"


def read_user_rules(setup: OldSetup, lines: Iterable[str]) -> tuple[list[str], list[str]]:
    """The rules that allow names, and those that deny some."""
    allow: list[str] = []
    deny: list[str] = []
    for line in lines:
        if not line or line.startswith(_COMMENTS):
            continue
        is_allowing = line.startswith("@@")
        try:
            (allow if is_allowing else deny).extend(_rules(line))
        except ValueError as error:
            follows = "It allows nothing here." if is_allowing else "What it denies passes here."
            setup.leave(f"user rule {line}: {error}. {follows}")
    return allow, deny


def _rules(line: str) -> list[str]:
    """The rules of a line.

    Raises:
        ValueError: the line cannot be expressed; the message says why.
    """
    if parts := _RULE.fullmatch(line):
        allow, begin, name = parts.groups()
        return [rule(name, subtree=begin == "||", allow=bool(allow))]
    if _BARE_NAME.fullmatch(line) and is_null_or_loopback(line) is None:
        return [rule(line, subtree=False, allow=False)]
    address, *hosts = line.partition(" #")[0].split()
    match is_null_or_loopback(address) if hosts else None:
        case True:
            return [rule(name, subtree=False, allow=False) for name in hosts]
        case False:
            raise ValueError("the address leads somewhere: a record, which [[local]] has here")
        case _:
            raise ValueError(_FORM)


def read_rewrites(setup: OldSetup, filtering: Table) -> None:
    """Add the rewrites to ``setup.local``."""
    if not filtering.is_true("rewrites_enabled", otherwise=True):
        return
    for rewrite in filtering.tables("rewrites"):
        domain, answer = rewrite.text("domain"), rewrite.text("answer")
        if not rewrite.is_true("enabled", otherwise=True):
            continue
        try:
            name, record = _rewrite(domain, answer)
        except (ValueError, InvalidValue) as error:
            setup.leave(f"rewrite {domain} to {answer}: {error}")
            continue
        records = setup.local.setdefault(name, [])
        if records and "CNAME" in f"{records[0]} {record}" and record not in records:
            setup.leave(f"rewrite {domain} to {answer}: a CNAME stands alone here")
        elif record not in records:
            records.append(record)


def _rewrite(domain: str, answer: str) -> tuple[str, str]:
    """The name and the record of a rewrite.

    Raises:
        ValueError: it cannot be a local name here.
    """
    if answer in ("A", "AAAA") or answer.lower() == domain.lower():
        raise ValueError("an exception of a rewrite; [[local]] has none")
    above = domain.removeprefix("*.")
    name = domain.removesuffix(above) + names.text(read_name(above))
    try:
        address = ip_address(answer)
    except ValueError:
        return name, f"CNAME {names.text(read_name(answer))}"
    if "%" in answer:
        raise ValueError("an address with an interface is no record")
    return name, f"{'A' if address.version == 4 else 'AAAA'} {address}"
