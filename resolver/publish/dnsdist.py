"""dnsdist as an engine that enforces the policy, by constant databases (CDB).

Each group of clients has two: the actions for exact names, and those for all names below a name.
dnsdist looks the exact name up first, then the name and each one above it. A value is the letter
of an action; an exception is a value, too, and so ends the search.

What must stay true: dnsdist keeps no answers. Its packet cache gives one VLAN the answers of
another.
"""

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from resolver.dns import codes
from resolver.engine.blocked import TTL
from resolver.policy.compiled import AGENCY_POLICY, CompiledConfig
from resolver.policy.description import PolicyDescription, describe
from resolver.policy.index import Index
from resolver.policy.verdict import BLOCKED, Verdict
from resolver.publish.cdb import constant_database
from resolver.publish.client_views import ClientView, client_views
from resolver.publish.lua import lua_list, lua_string
from resolver.publish.policy_zones import (
    NODATA,
    NXDOMAIN,
    PASSTHRU,
    WILDCARD,
    Action,
    PolicyZone,
    RuleSource,
    ZoneRule,
)
from resolver.publish.zone_inputs import ZoneInputs
from resolver.publish.zone_record import RECORD, MadeZone, ZoneRecord, program

_PASS, _SINKHOLE, _NODATA, _NXDOMAIN = b"p", b"s", b"d", b"x"
_EXACT, _BELOW = "exact", "below"
"""The two databases of a group."""
_LAST = b"\0darbanaa"
"""A key in each database, which is the name of nothing. By its hash it is in the last of the 256
tables, at the end of the file, so it is found only in a database that is whole."""
_LETTERS = {PASSTHRU: _PASS, NODATA: _NODATA, NXDOMAIN: _NXDOMAIN}
_HEAD = """\
-- dnsdist enforces Darban's policy. "darban export dnsdist" wrote this file and the databases
-- beside it. Include it in dnsdist.conf: dofile({path}). Write them again after
-- each change of the policy, and when an exemption or hours begin or end. dnsdist takes new
-- databases by itself within a second; restart it when this file has changed.
--
-- Use no packet cache (newPacketCache): it gives one VLAN the answers of another.
-- dnsdist sees only the name of the question. An alias to a blocked name, and an answer with an
-- address of a blocked service, pass.

-- The actions of a policy: s sinkhole, d NODATA, x NXDOMAIN; p lets a name pass.
local function darban_clients(masks)
  local group = newNMG()
  for _, mask in ipairs(masks) do group:addMask(mask) end
  return NetmaskGroupRule(group)
end
local function darban_database(path)
  local database = newCDBKVStore(path, 1)
  -- There is none while the config is only checked. A missing database would let all names pass.
  assert(not database or database:lookup("{last}") == "p", path .. " is missing or damaged")
  return database
end
local function darban_policy(masks, path, error, text, v4, v6)
  local clients = darban_clients(masks)
  local function found(letter)
    return AndRule{{clients, OrRule{{
      TagRule("darban-exact", letter),
      AndRule{{TagRule("darban-exact", ""), TagRule("darban-below", letter)}}
    }}}}
  end
  local function negative(rule, nxdomain)
    addAction(rule, NegativeAndSOAAction(nxdomain, ".", {ttl}, "localhost.", "nobody.invalid.",
      1, {ttl}, {ttl}, {ttl}, {ttl}, {{ttl={ttl}, soaInAuthoritySection=true}}))
  end
  local exact = darban_database(path .. ".exact.cdb")
  local below = darban_database(path .. ".below.cdb")
  addAction(clients, KeyValueStoreLookupAction(exact, KeyValueLookupKeyQName(), "darban-exact"))
  addAction(clients, KeyValueStoreLookupAction(below, KeyValueLookupKeySuffix(), "darban-below"))
  for _, letter in ipairs{{"s", "d", "x"}} do
    addAction(found(letter), SetExtendedDNSErrorAction(error, text))
  end
  if v4 then
    addAction(AndRule{{found("s"), QTypeRule(DNSQType.A)}}, SpoofAction(v4, {{ttl={ttl}}}))
  end
  if v6 then
    addAction(AndRule{{found("s"), QTypeRule(DNSQType.AAAA)}}, SpoofAction(v6, {{ttl={ttl}}}))
  end
  negative(found("s"), false)
  negative(found("d"), false)
  negative(found("x"), true)
end

"""
_UNKNOWN = """
-- A client in no VLAN.
addAction(NotRule(darban_clients({masks})), RCodeAction(DNSRCode.REFUSED))
"""


def dnsdist_files(
    terms: CompiledConfig, index: Index, wall: float, directory: Path
) -> Iterator[tuple[str, bytes]]:
    """The files that are to be written to ``directory``, with their names.

    A database that would be as it is there is not made. One pair of databases is in memory.
    """
    last = "".join(f"\\{octet:03d}" for octet in _LAST)
    text = [_HEAD.format(path=lua_string(f"{directory}/darban.lua"), ttl=TTL, last=last)]
    prefixes: dict[str, None] = {}
    policies, groups = describe(terms), list(client_views(terms, wall))
    for each in groups:
        policy = policies[terms.vlans[each.view.vlan].policy]
        text.append(_policy(each, policy, directory))
        prefixes |= dict.fromkeys(client.prefix for client in each.clients)
    text.append(_UNKNOWN.format(masks=lua_list(prefixes)))
    yield from _databases(terms, index, groups, directory)
    yield "darban.lua", "".join(text).encode()


def _databases(
    terms: CompiledConfig, index: Index, groups: Iterable[ClientView], directory: Path
) -> Iterator[tuple[str, bytes]]:
    """The databases that would differ from those of the directory, then the record of all."""
    source, before = RuleSource(terms, index), ZoneRecord.read(directory)
    now = before.of_rules(terms, index)
    inputs = ZoneInputs(terms, now.rules, program())
    same: dict[str, list[ClientView]] = {}
    for each in groups:
        zone = PolicyZone("", each.view, each.view.effect.opened(), (), source)
        same.setdefault(inputs.hash("", zone), []).append(each)
    for hashed, views in same.items():
        made = {each.name: before.zones.get(each.name) for each in views}
        stale = [
            name
            for name, known in made.items()
            if known is None or (known.inputs, known.body) != (hashed, _body(directory, name))
        ]
        if stale:
            pair = _made(source.all_rules(views[0].view))
            body = "".join(hashlib.sha256(content).hexdigest() for content in pair.values())
            for name in stale:
                made[name] = MadeZone(hashed, body, [])
                for kind, content in pair.items():
                    yield _file(name, kind), content
        now.zones.update({name: known for name, known in made.items() if known})
    yield RECORD, now.octets()


def _made(rules: Iterable[ZoneRule]) -> dict[str, bytes]:
    """The databases with these rules: for exact names, and for all names below a name."""
    with TemporaryDirectory() as place:
        paths = {kind: Path(place, kind) for kind in (_EXACT, _BELOW)}
        with constant_database(paths[_EXACT]) as exact, constant_database(paths[_BELOW]) as below:
            for name, of_name in itertools.groupby(rules, _name):
                letters = {rule.owner: _letter(rule.action) for rule in of_name}
                exact(name, letters.get(name, _PASS))
                if WILDCARD + name in letters:
                    below(name, letters[WILDCARD + name])
            exact(_LAST, _PASS)
            below(_LAST, _PASS)
        return {kind: path.read_bytes() for kind, path in paths.items()}


def _body(directory: Path, name: str) -> str:
    """The hashes of the databases of a group; empty where one is missing."""
    digests = []
    for kind in (_EXACT, _BELOW):
        try:
            with (directory / _file(name, kind)).open("rb") as file:
                digests.append(hashlib.file_digest(file, "sha256").hexdigest())
        except FileNotFoundError:
            return ""
    return "".join(digests)


def _file(name: str, kind: str) -> str:
    return f"{name}.{kind}.cdb"


def _name(rule: ZoneRule) -> bytes:
    return rule.owner.removeprefix(WILDCARD)


def _letter(action: Action) -> bytes:
    return _LETTERS.get(action, _SINKHOLE)


def _policy(group: ClientView, policy: PolicyDescription, directory: Path) -> str:
    masks = lua_list(group.clients)
    error = codes.EDE_CENSORED if policy.imposing else codes.EDE_BLOCKED
    answers, blocked = group.view.effect.answers, Verdict(BLOCKED)
    v4, v6 = (_sinkhole(answers.to_query(each, blocked)[1]) for each in (codes.A, codes.AAAA))
    path, reason = lua_string(f"{directory}/{group.name}"), lua_string(_reason(policy))
    return f"-- {group.name}\ndarban_policy({masks}, {path}, {error}, {reason}, {v4}, {v6})\n"


def _reason(policy: PolicyDescription) -> str:
    """The text of the Extended DNS Error, without the service: the databases do not have it."""
    ground = policy.imposing or AGENCY_POLICY
    return ground.text + (f"; contact {policy.contact}" if policy.contact else "")


def _sinkhole(octets: bytes) -> str:
    return lua_string(str(ip_address(octets))) if octets else "nil"
