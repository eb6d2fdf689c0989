"""How each enforcer enforces each feature of a policy: the only place that says so.

``darban check`` names what is otherwise, and ``darban export`` what is not stricter.

What must stay true:
- Every enforcer has every feature. EXACT is what a test with the real program shows
  (``tests/publish/test_exact_fits.py``).
- ``make reference`` writes the reasons to docs/reference/deviations.md.
"""

from collections.abc import Iterator, Mapping
from enum import Enum, StrEnum
from typing import Final, NamedTuple

from resolver.policy.compiled import CompiledConfig
from resolver.policy.features import Feature, features


class Enforcer(StrEnum):
    """What enforces a policy beside this server; by its name in ``darban export``."""

    ZONES = "zones"
    """The response policy zones, whoever reads them."""
    BIND = "bind"
    UNBOUND = "unbound"
    RECURSOR = "powerdns"
    NFTABLES = "nftables"
    FEEDS = "feeds"
    """Firewalls that fetch address lists."""


class Fit(Enum):
    """How an enforcer enforces a feature."""

    EXACT = "as here"
    STRICTER = "stricter"
    LOOSER = "looser"
    OTHERWISE = "otherwise"
    """Neither stricter nor looser, or each at its time."""


class Support(NamedTuple):
    """How an enforcer enforces a feature, and what it does otherwise."""

    fit: Fit
    why: str = ""


EXEMPTIONS: Final = (Feature.VLAN_EXEMPTIONS, Feature.PREFIX_EXEMPTIONS)
"""What begins and ends without a new export for an enforcer."""


def misfit_kind(feature: Feature, enforcer: Enforcer) -> str:
    """The kind of a warning that an enforcer enforces a feature otherwise."""
    return f"{feature}-in-{enforcer}"


def _exact(*features: Feature) -> dict[Feature, Support]:
    return dict.fromkeys(features, Support(Fit.EXACT))


def _stricter(why: str, *features: Feature) -> dict[Feature, Support]:
    return dict.fromkeys(features, Support(Fit.STRICTER, why))


def _looser(why: str, *features: Feature) -> dict[Feature, Support]:
    return dict.fromkeys(features, Support(Fit.LOOSER, why))


def _otherwise(why: str, *features: Feature) -> dict[Feature, Support]:
    return dict.fromkeys(features, Support(Fit.OTHERWISE, why))


_ZONES: Final = {
    **_exact(Feature.LISTS, Feature.EXCEPTIONS, Feature.DENY, Feature.ALLOW, Feature.ALIASES),
    **_exact(Feature.SINKHOLE, Feature.NODATA, Feature.COUNT, Feature.VLAN_EXEMPTIONS),
    **_exact(Feature.DEFAULT),
    **_looser(
        "where a name of a service in allow or of a forwarded zone leads is not judged",
        Feature.ANSWERS_PAST_DEFAULT,
    ),
    **_stricter("blocked names get NODATA", Feature.REFUSED),
    **_stricter("clients with link-local addresses are refused", Feature.INTERFACE),
    **_otherwise("queries go to servers of the resolver's own", Feature.UPSTREAM),
    **_stricter(
        "an alias to a name with NXDOMAIN gets NXDOMAIN, too, and not NODATA",
        *(Feature.CANARIES, Feature.NXDOMAIN),
    ),
    **_stricter("some are left out, and named", Feature.PREFIX_EXEMPTIONS),
    **_otherwise("what begins or ends does so with the next transfer of the zone", Feature.HOURS),
    **_looser(
        "addresses in hints of HTTPS and SVCB records pass, and IPv4 addresses below NAT64 "
        "prefixes of the network's own",
        *(Feature.IPV4_RANGES, Feature.IPV6_RANGES),
    ),
}


def _firewall(hours: str) -> dict[Feature, Support]:
    """What a firewall does; ``hours`` says how late."""
    return {
        **_exact(Feature.IPV4_RANGES, Feature.IPV6_RANGES, Feature.COUNT),
        **_exact(Feature.VLAN_EXEMPTIONS, Feature.PREFIX_EXEMPTIONS),
        **_stricter(
            "addresses of blocked services are rejected, whatever name has them",
            *(Feature.EXCEPTIONS, Feature.ALLOW),
        ),
        **_stricter(
            "the firewall rejects, and answers no name",
            *(Feature.SINKHOLE, Feature.NXDOMAIN, Feature.NODATA, Feature.REFUSED),
        ),
        **_looser(
            "a firewall knows addresses and no names",
            *(Feature.LISTS, Feature.DENY, Feature.DEFAULT, Feature.ANSWERS_PAST_DEFAULT),
            *(Feature.ALIASES, Feature.CANARIES, Feature.INTERFACE, Feature.UPSTREAM),
        ),
        **_otherwise(hours, Feature.HOURS),
    }


SUPPORTS: Final[Mapping[Enforcer, Mapping[Feature, Support]]] = {
    Enforcer.ZONES: _ZONES,
    Enforcer.BIND: _ZONES,
    Enforcer.UNBOUND: {
        **_ZONES,
        **_looser(
            "types other than A and AAAA pass through an alias, and so does an alias in the cache",
            Feature.ALIASES,
        ),
        **_looser(
            "an alias to an exempt name that an exempted client has asked for passes for all "
            "clients of the policy, until its TTL ends",
            *EXEMPTIONS,
        ),
    },
    Enforcer.RECURSOR: _ZONES,
    Enforcer.NFTABLES: _firewall("what begins or ends does so with the next export"),
    Enforcer.FEEDS: _firewall("what begins or ends does so when the firewall fetches next"),
}


class Deviation(NamedTuple):
    """Features of a policy that an enforcer enforces otherwise, all in the same way."""

    enforcer: Enforcer
    policy: str
    support: Support
    features: tuple[Feature, ...]
    vlans: tuple[str, ...]
    """The VLANs of the policy that have any of the features."""

    @property
    def kind(self) -> str:
        """The kind of a warning about it."""
        return misfit_kind(self.features[0], self.enforcer)

    def __str__(self) -> str:
        fit, why = self.support
        how = f"{self.enforcer}: {', '.join(self.features)}: {fit.value}"
        return f"VLAN {', '.join(self.vlans)}: {how}{why and f': {why}'}"


def deviations(compiled: CompiledConfig, enforcer: Enforcer, wall: float) -> Iterator[Deviation]:
    """What an enforcer enforces otherwise at a moment, in seconds since 1970."""
    affected: dict[tuple[str, Support], tuple[dict[Feature, None], dict[str, None]]] = {}
    for vlan, has in zip(compiled.vlans, features(compiled, wall), strict=True):
        policy = compiled.policies[vlan.policy].name
        for feature in (feature for feature in Feature if feature in has):
            support = SUPPORTS[enforcer][feature]
            if support.fit is not Fit.EXACT:
                of_policy, vlans = affected.setdefault((policy, support), ({}, {}))
                of_policy[feature] = vlans[vlan.name] = None
    for (policy, support), (of_policy, vlans) in affected.items():
        yield Deviation(enforcer, policy, support, tuple(of_policy), tuple(vlans))
