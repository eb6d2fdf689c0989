"""The config of Knot DNS, which serves the zones: transfers with TSIG, and NOTIFY.

Knot reads a zone file at ``knotc zone-reload``, and keeps the difference to the file before in its
journal. So a secondary gets a small change by IXFR, though the file is written as a whole.
"""

from collections.abc import Iterator
from pathlib import Path

from resolver.dns import names
from resolver.policy.compiled import CompiledConfig
from resolver.policy.settings import Publication, Secondary
from resolver.publish.zone_text import zone_names

KEYS_FILE = "/etc/knot/darban-keys.conf"
"""The secrets of the keys; neither Darban nor its config has them."""
_HEAD = """\
# Knot DNS serves Darban's zones. "darban export knot" wrote this file; write it again after a
# change of [publish], of the VLANs or of the policies.

server:
    rundir: /run/knot
    user: knot:knot
    listen: [{listen}]

log:
  - target: syslog
    any: info

database:
    storage: /var/lib/knot
"""
_KEYS = """
# The secrets of the keys are in this file. To add one, as root:
#   keymgr -t NAME hmac-sha256 >> {keys}
include: {keys}
"""
_TEMPLATE = """
template:
  - id: darban
    storage: {directory}
    file: "%s.zone"
    # The file is only read. The journal has all that secondaries need for IXFR.
    zonefile-load: difference
    zonefile-sync: -1
    journal-content: all
"""


def knot_config(compiled: CompiledConfig, publication: Publication, directory: Path) -> str:
    """The whole config, for the zones in a directory."""
    listen = ", ".join(f"{address.address}@{address.port}" for address in publication.listen)
    secondaries = publication.secondaries
    sections = [_HEAD.format(listen=listen)]
    if secondaries:
        sections.append(_KEYS.format(keys=KEYS_FILE))
        sections += ["\nremote:\n", *map(_remote, secondaries)]
        sections += ["\nacl:\n", *map(_acl, secondaries)]
    sections.append(_TEMPLATE.format(directory=directory))
    if secondaries:
        keys = ", ".join(secondary.key for secondary in secondaries)
        sections.append(f"    notify: [{keys}]\n    acl: [{keys}]\n")
    sections += ["\nzone:\n", *_zones(compiled, publication)]
    return "".join(sections)


def _zones(compiled: CompiledConfig, publication: Publication) -> Iterator[str]:
    for zone in zone_names(compiled, publication):
        yield f"  - domain: {names.text(zone)}\n    template: darban\n"


def _remote(secondary: Secondary) -> str:
    endpoint = secondary.endpoint
    return (
        f"  - id: {secondary.key}\n    address: {endpoint.address}@{endpoint.port}\n"
        f"    key: {secondary.key}\n"
    )


def _acl(secondary: Secondary) -> str:
    return (
        f"  - id: {secondary.key}\n    address: {secondary.endpoint.address}\n"
        f"    key: {secondary.key}\n    action: transfer\n"
    )
