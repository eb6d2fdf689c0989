"""Small lists of every format, with what a matcher that is obviously right makes of them.

The expectation is written down beside the text, not computed from it.
"""

from pathlib import Path
from typing import NamedTuple

REAL = Path(__file__).parents[3] / "shared" / "data" / "lists"
REAL_FILES = {
    "adblock-adguard-dns-filter.txt": "adblock",
    "hosts-blocklistproject-redirect.txt": "hosts",
    "plain-blocklistproject-phishing.txt": "plain",
    "plain-ut1-chat.txt": "suffix",
    "rpz-no-google.zone": "rpz",
    "wildcard-hagezi-light.txt": "wildcard",
    "tricky/adguard-services-rules.txt": "adblock",
    "tricky/hosts-with-regex-d43m0nh-whatsapp.txt": "hosts",
    "tricky/mixed-gieljnssns-pihole-whatsapp.txt": "plain",
}


class Sample(NamedTuple):
    text: str
    blocked: tuple[str, ...]
    open: tuple[str, ...]
    skipped: dict[int, str]
    """A part of the reason, by line."""


SAMPLES = {
    "adblock": Sample(
        "[Adblock Plus]\n! a comment\n||a.example^\n||b.example^|\n|c.example^\n"
        "@@||x.a.example^|\n||d.example^$important\n||com^\n",
        ("a.example", "w.a.example", "b.example", "c.example"),
        ("x.a.example", "w.x.a.example", "w.c.example", "d.example", "com", "xa.example"),
        {7: "modifiers", 8: "a single label"},
    ),
    "hosts": Sample(
        "# a comment\n127.0.0.1 localhost\n0.0.0.0 a.example b.example # why\n:: c.example\n"
        "10.0.0.5 printer.example\n0.0.0.0\n(^|\\.)x\\.example$\n0.0.0.0 192.0.2.1\n"
        "0.0.0.0\tA.EXAMPLE\n",
        ("a.example", "b.example", "c.example"),
        ("w.a.example", "printer.example", "x.example", "localhost"),
        {
            2: "a single label",
            5: "leads somewhere",
            6: "no name",
            7: "no address",
            8: "an IP address",
            9: "again",
        },
    ),
    "plain": Sample(
        "# a comment\na.example\n  b.example # why\n\n192.0.2.1\nco.uk\nx y\n*.c.example\n",
        ("a.example", "b.example"),
        ("w.a.example", "c.example", "co.uk"),
        {5: "an IP address", 6: "a public suffix", 7: "a space", 8: "a wildcard"},
    ),
    "suffix": Sample(
        "a.example\nb.example\n192.0.2.1\n",
        ("a.example", "w.a.example", "b.example"),
        ("xa.example",),
        {3: "an IP address"},
    ),
    "wildcard": Sample(
        "# a comment\n*.a.example\n*.b.example\nc.example\n*.*.d.example\n*.uk\n",
        ("a.example", "w.a.example", "b.example"),
        ("c.example", "d.example", "w.d.example", "xa.example"),
        {4: "no '*.'", 5: "a wildcard", 6: "a single label"},
    ),
    "rpz": Sample(
        "$TTL 300\n@ IN SOA localhost. root.localhost. (\n 1 2 3 4\n 5 )\n  IN NS localhost.\n"
        "a.example CNAME .\n*.a.example CNAME .\nb.example 60 IN CNAME *. ; why\n"
        "*.c.example CNAME .\nx.a.example CNAME rpz-passthru.\nd.example A 192.0.2.1\n"
        "e.example CNAME rpz-drop.\n32.1.2.0.192.rpz-ip CNAME .\n$ORIGIN example\nf CNAME .\n"
        "  TXT why\ny.x.a CNAME .\nz.a CNAME rpz-passthru.\n*.z.a CNAME .\n"
        "$ORIGIN g.example.\nh CNAME .\n",
        (
            *("a.example", "w.a.example", "b.example", "w.c.example", "f.example"),
            *("y.x.a.example", "w.z.a.example"),
        ),
        (
            *("x.a.example", "w.b.example", "c.example", "d.example", "e.example", "w.f.example"),
            *("w.x.a.example", "w.y.x.a.example", "z.a.example"),
        ),
        {
            11: "data of its own",
            12: "rpz-drop",
            13: "the trigger",
            16: "data of its own",
            20: "outside",
            21: "no name of the zone",
        },
    ),
}

LINES = {
    "adblock": "||{}^",
    "hosts": "0.0.0.0 {}",
    "plain": "{}",
    "suffix": "{}",
    "wildcard": "*.{}",
    "rpz": "{} CNAME .",
}
"""A line that blocks a name, in each format."""


def made(kind: str, count: int) -> str:
    """A list of so many names."""
    return "".join(LINES[kind].format(f"n{number}.example") + "\n" for number in range(count))
