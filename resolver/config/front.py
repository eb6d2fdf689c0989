"""Errors about servers in front, [server.proxy] and [front] for dnsdist, and about [feeds]."""

from collections.abc import Iterator

from resolver.config.front_model import FeedsConfig, ProxyConfig
from resolver.config.model import Config
from resolver.config.problems import Problem, toml_text
from resolver.config.provenance import Provenance
from resolver.config.toml_lines import Path


def check(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """Every error about these sections that takes more than one value to see."""
    yield from _from(
        *(config.server.proxy, ("server", "proxy"), provenance),
        *("the prefixes of the servers in front", "10.0.0.60/32"),
        "Everybody could ask as a client of any VLAN.",
    )
    yield from _from(
        *(config.feeds, ("feeds",), provenance),
        *("the prefixes of the firewalls", "10.0.0.1/32"),
        "Everybody could read who is exempted.",
    )
    yield from _missing(config, provenance)


def _from(
    section: ProxyConfig | FeedsConfig,
    path: Path,
    provenance: Provenance,
    expected: str,
    example: str,
    danger: str,
) -> Iterator[Problem]:
    """``from`` of a section must be set where it listens, and must not be everybody."""
    if section.listen and not section.from_ and provenance.whole((*path, "from")):
        advice = f"Without them nobody is answered at [{'.'.join(map(str, path))}] listen."
        yield provenance.problem(
            (*path, "from"), "no from", f'{expected}, such as ["{example}"]', advice
        )
    for place, prefix in enumerate(section.from_):
        if prefix.prefixlen == 0:
            found = toml_text(str(prefix))
            yield provenance.problem((*path, "from", place), found, f"{expected} alone", danger)


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
