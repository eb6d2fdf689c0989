"""What ``darban export`` writes for each program: a text to print, or files for a directory.

To add a program: publish/NAME.py, pure, from ``publish.client_views`` or
``publish.resolver_vlans``, for names from the zones; its name here, its help in ``cli.export``; its
``Enforcer`` and its fit for each feature in ``publish.enforcers``: for "exact"
tests/publish/test_exact_fits.py names a test with the real program. A section of
docs/how-to/publish.md installs it.
"""

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from resolver import DarbanError
from resolver.cli.moments import moment_text
from resolver.config.values import PLAIN_PATH, is_plain_path
from resolver.metrics import kernel
from resolver.policy.compiled import CompiledConfig
from resolver.policy.moment import depends_on_clock, in_force
from resolver.policy.settings import Publication
from resolver.publish.bind import bind_files
from resolver.publish.dnsdist_front import front_config
from resolver.publish.feeds import feed_files, service_feeds
from resolver.publish.knot import knot_config
from resolver.publish.nftables import Servers, nftables
from resolver.publish.recursor import recursor_files
from resolver.publish.seeds import seeds
from resolver.publish.unbound import unbound_configs
from resolver.publish.writer import zone_directory
from resolver.snapshot import store
from resolver.snapshot.clock_note import CLOCK_IS_BEHIND, clock_is_behind
from resolver.snapshot.snapshot import Snapshot
from resolver.snapshot.state_owner import as_owner

Files = Mapping[str, bytes]
"""The contents of files by their names below a directory."""


def _publication(compiled: CompiledConfig, config: Path) -> tuple[Publication, Path]:
    """What is published, and the directory of the zones."""
    publication = compiled.settings.publish
    if publication is None:
        raise DarbanError(
            f"{config}: found no [publish] listen; expected the addresses where Knot DNS serves "
            'the zones, such as listen = ["10.0.0.54:8053"]'
        )
    directory = zone_directory(publication, config.parent, store.directory(config)).absolute()
    if not is_plain_path(str(directory)):
        raise DarbanError(
            f"{config}: found the directory of zones {directory}; expected {PLAIN_PATH}. It goes "
            "into the configs of other programs."
        )
    return publication, directory


def _knot(snapshot: Snapshot, config: Path) -> str:
    return knot_config(snapshot.compiled, *_publication(snapshot.compiled, config))


def _transferring(snapshot: Snapshot, config: Path) -> Publication:
    """What is published, to an engine that transfers the zones itself."""
    publication, _ = _publication(snapshot.compiled, config)
    if not publication.secondaries:
        raise DarbanError(
            f"{config}: found no [publish.secondaries]; expected the resolver that may transfer "
            "the zones, by the name of its TSIG key"
        )
    return publication


def _bind(snapshot: Snapshot, config: Path) -> Files:
    publication = _transferring(snapshot, config)
    return bind_files(snapshot.compiled, publication, seeds(snapshot, publication, time.time()))


def _unbound(snapshot: Snapshot, config: Path) -> Files:
    texts = unbound_configs(snapshot.compiled, *_publication(snapshot.compiled, config))
    return {name: text.encode() for name, text in texts.items()}


def _powerdns(snapshot: Snapshot, config: Path) -> Files:
    publication = _transferring(snapshot, config)
    return recursor_files(snapshot.compiled, publication, seeds(snapshot, publication, time.time()))


def nftables_rules(snapshot: Snapshot, config: Path, servers: Servers = ()) -> str:
    """The rules for nftables; ``servers`` as there."""
    compiled, now = snapshot.compiled, time.time()
    if not servers:
        _require_ranges(compiled, config)
    _require_clock(compiled, config, now)
    until = in_force(compiled, now).until
    valid = ""
    if until < math.inf:
        begins = "an exemption or hours begin or end then"
        valid = f"# valid until {moment_text(until)}: {begins}\n"
    return valid + nftables(compiled, now, servers)


def _feeds(snapshot: Snapshot, config: Path) -> Files:
    compiled, now = snapshot.compiled, time.time()
    _require_ranges(compiled, config)
    _require_clock(compiled, config, now)
    feeds = map(feed_files, service_feeds(compiled, now))
    return {name: text.encode() for files in feeds for name, text in files}


def _require_ranges(compiled: CompiledConfig, config: Path) -> None:
    if not (compiled.ranges or compiled.firewall_ranges):
        raise DarbanError(
            f"{config}: found no address ranges in its lists; expected a file such as telegram.ip "
            "beside telegram.txt"
        )


def _require_clock(compiled: CompiledConfig, config: Path, now: float) -> None:
    if not depends_on_clock(compiled, now):
        return
    state, synchronised = store.directory(config), kernel.clock_synchronised()
    with as_owner(state):
        if clock_is_behind(state, now, synchronised=synchronised):
            raise DarbanError(f"{CLOCK_IS_BEHIND}. Nothing is written")


def _dnsdist_front(snapshot: Snapshot, config: Path) -> str:
    front = snapshot.compiled.settings.front
    if front is None:
        raise DarbanError(
            f"{config}: found no addresses in [front]; expected dns, dot or doh, such as "
            'dot = ["10.0.0.53:853"]'
        )
    return front_config(front, config.parent)


NFTABLES, FEEDS = "nftables", "feeds"
PRINTED: dict[str, Callable[[Snapshot, Path], str]] = {
    "knot": _knot,
    NFTABLES: nftables_rules,
    "dnsdist-front": _dnsdist_front,
}
"""The programs that need one text."""
SEVERAL: dict[str, Callable[[Snapshot, Path], Files]] = {
    "bind": _bind,
    "unbound": _unbound,
    "powerdns": _powerdns,
    FEEDS: _feeds,
}
"""The engines, and the firewalls, which need several files."""
