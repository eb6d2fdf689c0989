"""Errors about servers in front: [server.proxy], and [front] for dnsdist."""

from collections.abc import Iterator

from resolver.config.model import Config
from resolver.config.problems import Problem, toml_text
from resolver.config.provenance import Provenance
from resolver.config.toml_lines import Path


def check(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """Every error about servers in front that takes more than one value to see."""
    yield from _proxies(config, provenance)
    yield from _missing(config, provenance)


def _proxies(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """``server.proxy.from`` must be set, and must not be everybody."""
    path: Path = ("server", "proxy", "from")
    proxy = config.server.proxy
    if proxy.listen and not proxy.from_ and provenance.whole(path):
        expected = 'the prefixes of the servers in front, such as ["10.0.0.60/32"]'
        advice = "Without them nobody is answered at [server.proxy] listen."
        yield provenance.problem(path, "no from", expected, advice)
    for place, prefix in enumerate(proxy.from_):
        if prefix.prefixlen == 0:
            advice = "Everybody could ask as a client of any VLAN."
            expected = "the prefixes of the servers in front alone"
            yield provenance.problem((*path, place), toml_text(str(prefix)), expected, advice)


def _missing(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """What dnsdist needs besides addresses to answer on."""
    front = config.front
    if (front.dot or front.doh) and provenance.whole(("front",)):
        for key, value, expected in (
            ("name", front.name, 'the name in the certificate, such as "dns.agency.example"'),
            ("certificate", front.certificate, "the file of the certificate, in PEM"),
            ("key", front.key, "the file of the certificate's key, in PEM"),
        ):
            if value is None:
                advice = "DNS over TLS and HTTPS need it."
                yield provenance.problem(("front",), f"no {key}", expected, advice)
    asked = front.nodes or config.server.proxy.listen
    if (front.dns or front.dot or front.doh) and not asked and provenance.whole(("front",)):
        expected = "nodes, or [server.proxy] listen"
        yield provenance.problem(("front",), "no nodes", expected, "dnsdist has nobody to ask.")
