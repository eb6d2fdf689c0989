"""The Recursor of PowerDNS as a resolver that enforces the policy.

It has all zones; a Lua function discards, for each query, those of other VLANs. Its packet cache
gives the answers of one client to others, so it is off. It reads the zone files of its host, which
Darban writes, or a Knot DNS that is a secondary.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from resolver.dns import codes
from resolver.policy.compiled import CompiledConfig
from resolver.policy.settings import Publication
from resolver.publish.lua import lua_list
from resolver.publish.resolver_vlans import ResolverVlan, resolver_vlans

SCRIPT = "/etc/powerdns/darban.lua"
_SETTINGS = """\
# PowerDNS Recursor enforces Darban's policy. "darban export powerdns" wrote this file and
# {script}; write them again after a change of [publish], of the VLANs or of the policies.
# When the files "{directory}/*.zone" have changed, run "rec_control reload-lua-config".
#
# Queries without RD are refused (recursor.allow_no_rd), and a client in no VLAN gets no answer.
packetcache:
  disable: true  # it gives what one client was answered to clients of other VLANs
incoming:
  allow_from: !override
{prefixes}
recursor:
  lua_dns_script: {script}
  rpzs:
"""
_ZONE = """\
  - name: {directory}/{zone}.zone
    policyName: {zone}
    extendedErrorCode: {error}
"""
_SCRIPT = """\
-- The zones of each VLAN, for PowerDNS Recursor. "darban export powerdns" wrote this file.
local zones = %(zones)s
local vlans = {}

-- Clients by prefix, where the longest one decides: "!" for a prefix of another VLAN.
local function vlan(prefixes, own)
  local clients, others = newNMG(), {}
  clients:addMasks(prefixes)
  local has = {}
  for _, zone in ipairs(own) do has[zone] = true end
  for _, zone in ipairs(zones) do
    if not has[zone] then table.insert(others, zone) end
  end
  table.insert(vlans, { clients = clients, others = others })
end

%(vlans)s
function prerpz(dq)
  for _, each in ipairs(vlans) do
    if each.clients:match(dq.remoteaddr) then
      for _, zone in ipairs(each.others) do dq:discardPolicy(zone) end
      return true
    end
  end
  return true -- all zones apply
end
"""


def recursor_files(
    terms: CompiledConfig, publication: Publication, directory: Path
) -> dict[str, str]:
    """The settings and the script, by their names below /etc/powerdns."""
    vlans = list(resolver_vlans(terms, publication))
    return {
        "recursor.d/darban.yml": "".join(_settings(vlans, directory)),
        Path(SCRIPT).name: _SCRIPT
        % {
            "zones": lua_list(_zones(vlans)),
            "vlans": "".join(map(_vlan, vlans)),
        },
    }


def _settings(vlans: Sequence[ResolverVlan], directory: Path) -> Iterator[str]:
    prefixes = dict.fromkeys(each.prefix for vlan in vlans for each in vlan.clients)
    listed = "\n".join(f'  - "{prefix}"' for prefix in prefixes)
    yield _SETTINGS.format(script=SCRIPT, directory=directory, prefixes=listed)
    for zone, censored in _zones(vlans).items():
        error = codes.EDE_CENSORED if censored else codes.EDE_BLOCKED
        yield _ZONE.format(directory=directory, zone=zone, error=error)


def _zones(vlans: Sequence[ResolverVlan]) -> dict[str, bool]:
    """All zones, override zones first, and whether a directive is behind what they block."""
    first = {vlan.zones[0].zone: vlan.zones[0].censored for vlan in vlans}
    return first | {use.zone: use.censored for vlan in vlans for use in vlan.zones[1:]}


def _vlan(vlan: ResolverVlan) -> str:
    zones = lua_list(use.zone for use in vlan.zones)
    return f"-- {vlan.name}\nvlan({lua_list(vlan.clients)}, {zones})\n"
