"""The zones that the authority serves: every kind of record, of name and of negation.

``signed`` is signed with NSEC, its child with NSEC3; ``broken`` has a record that its
signature does not match, and the signatures of ``expired`` are of yesteryear. ``plain`` is
not signed, nor is the delegation ``insecure``.
"""

import base64
import re

SIGNED = "signed.example"
CHILD = f"child.{SIGNED}"
BROKEN = f"broken.{SIGNED}"
EXPIRED = f"expired.{SIGNED}"
INSECURE = f"insecure.{SIGNED}"
PLAIN = "plain.example"
BLOCKED = f"blocked.{PLAIN}"
"""Blocked by the policy of one client of the two."""

_HEAD = """\
$ORIGIN {zone}.
$TTL {ttl}
@ IN SOA ns.{zone}. hostmaster.{zone}. 1 3600 600 86400 120
@ IN NS ns.{zone}.
@ IN NS ns2.{zone}.
ns IN A 127.0.0.1
ns2 IN A 127.0.0.1
"""

_BIG = "".join(f'big IN TXT "{n:03}{"x" * 197}"\n' for n in range(30))
_WIDE = "".join(f"wide IN A 192.0.2.{n}\n" for n in range(1, 61))
_KEY = base64.b64encode(bytes(range(64))).decode()

_RICH = f"""\
@ IN MX 10 mail
@ IN TXT "v=spf1 -all" "second string" ""
@ IN CAA 0 issue "ca.example"
@ IN A 192.0.2.10
@ IN AAAA 2001:db8::10
mail IN A 192.0.2.25
mail IN AAAA 2001:db8::25
www IN A 192.0.2.80
www IN A 192.0.2.81
www IN AAAA 2001:db8::80
www IN HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.80
www IN SSHFP 4 2 {"ab" * 32}
www IN LOC 35 41 21.000 N 51 23 20.000 E 1200.00m 1m 10000m 10m
www IN RP hostmaster.www text.www
www IN TYPE65280 \\# 6 0102C00C0003
www IN TYPE65281 \\# 0
text.www IN TXT "\\195\\169\\000\\255"
svc IN SVCB 1 backend port=8443 alpn=h2
svc IN SVCB 2 backend2.{PLAIN}.
svcalias IN SVCB 0 www
backend IN A 192.0.2.84
_sip._tcp IN SRV 10 20 5060 sip
sip IN A 192.0.2.60
_443._tcp.www IN TLSA 3 1 1 {"cd" * 32}
naptr IN NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .
naptr IN NAPTR 100 20 "s" "SIP+D2U" "" _sip._tcp
host IN HINFO "PC" "Linux"
host IN AFSDB 1 afs
host IN EUI48 00-00-5e-00-53-2a
host IN EUI64 00-00-5e-ef-10-00-00-2a
host IN URI 10 1 "https://www.example/path"
host IN CERT 1 12345 8 {_KEY}
user._openpgpkey IN OPENPGPKEY {_KEY}
user._smimecert IN SMIMEA 3 1 1 {"ef" * 32}
ptr IN PTR www
alias IN CNAME www
alias2 IN CNAME alias
alias3 IN CNAME alias2
out IN CNAME www.{PLAIN}.
dangling IN CNAME nothing-here
nodata IN CNAME mail
tree IN DNAME {PLAIN}.
inner IN DNAME target-tree
host.target-tree IN A 192.0.2.77
*.wild IN A 192.0.2.99
*.wild IN TXT "wild"
not.wild IN A 192.0.2.98
*.wildalias IN CNAME www
empty.non.terminal IN A 192.0.2.50
ttl0 0 IN A 192.0.2.51
short 3 IN A 192.0.2.52
UPPER IN A 192.0.2.53
{_BIG}{_WIDE}"""


def _parent(digests: str) -> str:
    """The signed zone: all kinds, and its delegations."""
    cuts = [CHILD, BROKEN, EXPIRED, INSECURE]
    glue = "".join(f"{cut}. IN NS ns.{cut}.\nns.{cut}. IN A 127.0.0.1\n" for cut in cuts)
    return _HEAD.format(zone=SIGNED, ttl=3600) + _RICH + glue + digests


def _plain() -> str:
    below = f"blocked IN A 192.0.2.66\nto-blocked IN CNAME blocked\nother IN CNAME www.{SIGNED}.\n"
    return _HEAD.format(zone=PLAIN, ttl=1800) + _RICH + below


def _small(zone: str) -> str:
    rest = "www IN A 192.0.2.66\nalias IN CNAME www\n*.wild IN A 192.0.2.97\n"
    return _HEAD.format(zone=zone, ttl=900) + rest


CHILDREN = {zone: _small(zone) for zone in (CHILD, BROKEN, EXPIRED)}
"""The zones that are signed before their parent."""
UNSIGNED = {INSECURE: _small(INSECURE), PLAIN: _plain()}


def parent(digests: str) -> str:
    """The text of the signed zone, given its children's DS records."""
    return _parent(digests)


_RECORD = re.compile(r"^(\S+)(?: \d+)? IN (\S+) ")


def existing() -> list[tuple[str, str]]:
    """The names of records, each with its type; of a wildcard a name that it covers."""
    texts = {SIGNED: _parent(""), PLAIN: _plain(), **CHILDREN, INSECURE: UNSIGNED[INSECURE]}
    found = set()
    for zone, text in texts.items():
        for line in text.splitlines():
            if record := _RECORD.match(line):
                owner = record[1].replace("@", zone).replace("*", "some")
                name = owner[:-1] if owner.endswith(".") else f"{owner}.{zone}"
                found.add((zone if owner == zone else name, record[2]))
        found |= {(zone, "DNSKEY"), (zone, "NSEC"), (zone, "DS")}
    return sorted(found)


def names() -> list[str]:
    """The names to ask for, existing and not."""
    below = [
        *("", "www", "mail", "svc", "svcalias", "_sip._tcp", "_443._tcp.www", "naptr", "host"),
        *("user._openpgpkey", "user._smimecert", "ptr", "alias", "alias2", "alias3", "out"),
        *("dangling", "nodata", "www.tree", "alias.tree", "tree", "host.inner", "no.inner"),
        *("a.wild", "b.c.wild", "not.wild", "x.not.wild", "wild", "z.wildalias", "non.terminal"),
        *("empty.non.terminal", "ttl0", "short", "upper", "big", "wide", "nothing", "a.b.nothing"),
        *("text.www", "ns"),
    ]
    rich = [f"{name}.{zone}".strip(".") for zone in (SIGNED, PLAIN) for name in below]
    small = [
        f"{name}.{zone}".strip(".")
        for zone in (CHILD, BROKEN, EXPIRED, INSECURE)
        for name in ("", "www", "alias", "x.wild", "nothing", "no.nothing")
    ]
    return [
        *rich,
        *small,
        BLOCKED,
        f"to-blocked.{PLAIN}",
        f"other.{PLAIN}",
        f"WwW.{SIGNED.upper()}",
    ]
