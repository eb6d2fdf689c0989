"""The Recursor of PowerDNS as a resolver that enforces the policy.

It has all zones; a Lua function discards, for each query, those of other VLANs. Its packet cache
gives the answers of one client to others, so it is off.

It transfers the zones itself, and keeps each as a file. It would lose zones that it only reads from
files where a file is missing or damaged at a start or at ``rec_control reload-lua-config``: then
all names pass. It lets no zone expire. The transfers are configured in Lua and not in YAML, since
only Lua can take the secret of the key from a file.
"""

from collections.abc import Mapping, Sequence

from resolver.dns import codes
from resolver.engine.blocked import TTL
from resolver.policy.compiled import CompiledConfig
from resolver.policy.settings import Publication
from resolver.publish.lua import lua_list, lua_string
from resolver.publish.resolver_vlans import ResolverVlan, resolver_vlans

_CONFIG = "/etc/powerdns"
_KEPT = "/var/lib/darban-recursor"
"""Where the Recursor keeps the zones that it has transferred."""
_SETTINGS = """\
# PowerDNS Recursor enforces Darban's policy. "darban export powerdns" wrote this file and the files
# that it names; write them again after a change of [publish], of the VLANs or of the policies, and
# restart the Recursor.
#
# Queries without RD are refused (recursor.allow_no_rd), and a client in no VLAN gets no answer.
packetcache:
  disable: true  # it gives what one client was answered to clients of other VLANs
incoming:
  allow_from: !override
{prefixes}
recursor:
  lua_config_file: {config}/darban-zones.lua
  lua_dns_script: {config}/darban.lua
"""
_TRANSFERS = """\
-- The zones, for PowerDNS Recursor. "darban export powerdns" wrote this file.
--
-- Root writes the name and the secret of the key of this resolver, for the group pdns to read:
--   return "%(key)s", "SECRET"
local key, secret = dofile("%(config)s/darban-key.lua")
local primaries = %(primaries)s

local function content(path)
  local file = io.open(path)
  if not file then return "" end
  local text = file:read("*a")
  file:close()
  return text
end

-- Of a file that the Recursor has written: a line that it cannot read costs the whole zone.
local forms = {
  SOA = "^%%S+%%s%%S+%%s[%%d%%s]+$",
  A = "^%%d+%%.%%d+%%.%%d+%%.%%d+$",
  AAAA = "^[%%x:.]+$",
  CNAME = "^%%S+$",
}
local function is_whole(text)
  for line in text:gmatch("[^\\n]+") do
    local kind, data = line:match("^%%S+%%s+%%d*%%s*IN%%s+(%%u+)%%s+(.+)$")
    if not (forms[kind] and data:find(forms[kind])) then return false end
  end
  return text:find("%%sSOA%%s") ~= nil and text:sub(-1) == "\\n"
end

-- Whether it has as many lines as its last line says.
local function has_all_lines(seed)
  local lines = tonumber(seed:match("\\n; (%%d+) lines above, SHA%%-256 %%x+\\n$"))
  return select(2, seed:gsub("\\n", "\\n")) - 1 == lines
end

-- Without a zone all names pass. So where the kept file is missing or damaged, its seed is taken,
-- the zone as it was at the export; and without that, the Recursor does not start.
local function zone(name, code)
  local kept, seed = "%(kept)s/" .. name .. ".zone", "%(config)s/darban-seeds/" .. name .. ".zone"
  local file = is_whole(content(kept)) and kept or seed
  local is_good = file == kept or has_all_lines(content(seed))
  assert(is_good, seed .. " is missing or damaged: darban export powerdns writes it")
  rpzPrimary(primaries, name, {
    policyName = name, extendedErrorCode = code, refresh = %(refresh)d,
    seedFile = file, dumpFile = kept,
    tsigname = key, tsigalgo = "hmac-sha256", tsigsecret = secret,
  })
end

%(zones)s"""
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
    compiled: CompiledConfig, publication: Publication, seeds: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The settings, the scripts and the seeds, by their names below /etc/powerdns.

    There must be a secondary: its key is named.
    """
    vlans = list(resolver_vlans(compiled, publication))
    zones = _zones(vlans)
    texts = {
        "recursor.d/darban.yml": _settings(vlans),
        "darban-zones.lua": _TRANSFERS
        % {
            "config": _CONFIG,
            "kept": _KEPT,
            "key": publication.secondaries[0].key,
            "primaries": lua_list(publication.listen),
            "refresh": TTL,
            "zones": "".join(map(_zone, zones.items())),
        },
        "darban.lua": _SCRIPT % {"zones": lua_list(zones), "vlans": "".join(map(_vlan, vlans))},
    }
    files = {name: text.encode() for name, text in texts.items()}
    return files | {f"darban-seeds/{zone}.zone": seeds[zone] for zone in zones}


def _settings(vlans: Sequence[ResolverVlan]) -> str:
    prefixes = dict.fromkeys(client.prefix for vlan in vlans for client in vlan.clients)
    listed = "\n".join(f'  - "{prefix}"' for prefix in prefixes)
    return _SETTINGS.format(config=_CONFIG, prefixes=listed)


def _zone(zone: tuple[str, bool]) -> str:
    name, censored = zone
    return f"zone({lua_string(name)}, {codes.EDE_CENSORED if censored else codes.EDE_BLOCKED})\n"


def _zones(vlans: Sequence[ResolverVlan]) -> dict[str, bool]:
    """All zones, override zones first, and whether a directive is behind what they block."""
    first = {vlan.zones[0].zone: vlan.zones[0].censored for vlan in vlans}
    return first | {use.zone: use.censored for vlan in vlans for use in vlan.zones[1:]}


def _vlan(vlan: ResolverVlan) -> str:
    zones = lua_list(use.zone for use in vlan.zones)
    return f"-- {vlan.name}\nvlan({lua_list(vlan.clients)}, {zones})\n"
