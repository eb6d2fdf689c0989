"""The config of dnsdist in front of one or several nodes (``[front]``), in Lua.

dnsdist terminates TLS and HTTPS, spreads the queries over the nodes, and names each client to them
by a PROXY header. It decides nothing: policy, limits and counts are the nodes'.

What must stay true: dnsdist keeps no answers. Its packet cache would give one VLAN the answers of
another, whatever the header says.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from resolver.dns import names
from resolver.dns.special_use import HEALTH
from resolver.policy.settings import DOH_PATH, TCP_PER_ADDRESS, Endpoint, Front
from resolver.publish.lua import lua_string

_TIMEOUT = 5
"""Seconds that dnsdist waits for a reply: longer than a node looks for one."""
_IDLE = 30
"""Seconds after which dnsdist closes a connection on which nothing is asked. After its default of
2 s, a client of DNS over TLS begins with a new handshake for nearly each page."""
_NOT_READY = "not-ready"
"""The pool of the nodes that answer, also while they drain."""
_CERTIFICATES = """\
-- A renewed certificate is loaded 2 s after the files have changed, without a restart. Where that
-- fails, the one before stays in use, and an error is logged at each try, once a minute.
local files = {files}
local function contents()
  local texts = {{}}
  for number, name in ipairs(files) do
    local file = io.open(name, "rb")
    if not file then return nil end
    texts[number] = file:read("*a")
    file:close()
  end
  return table.concat(texts)
end
local function load_certificates()
  for number = 1, getTLSFrontendCount() do getTLSFrontend(number - 1):reloadCertificates() end
  for number = 1, getDOHFrontendCount() do getDOHFrontend(number - 1):reloadCertificates() end
end
local in_use = contents()
local seen, pause = in_use, 0
function maintenance() -- dnsdist calls it once a second
  local now = contents()
  if now ~= seen then
    seen, pause = now, 0 -- the other file may be about to change
  elseif pause > 0 then
    pause = pause - 1
  elseif now ~= in_use then
    local loaded, reason = pcall(load_certificates)
    if loaded then
      in_use = now
      infolog("The certificate " .. files[1] .. " is loaded.")
    else
      pause = 60
      errlog("The certificate before stays in use: " .. tostring(reason))
    end
  end
end
"""


def front_config(front: Front, base: Path) -> str:
    """The text of dnsdist.conf; ``base`` is the directory of the config."""
    return "\n".join(_lines(front, base)) + "\n"


def _lines(front: Front, base: Path) -> Iterator[str]:
    yield "-- dnsdist in front of Darban, made by: darban export dnsdist-front"
    yield "-- Edit [front] of Darban's config instead, and make it again."
    yield ""
    yield "-- No packet cache: it would give a VLAN the answers of another."
    yield "-- Everybody may ask here; Darban refuses who is in no VLAN."
    yield 'setACL({"0.0.0.0/0", "::/0"})'
    yield 'setSecurityPollSuffix("")'
    yield f"setUDPTimeout({_TIMEOUT})"
    yield f"setTCPRecvTimeout({_IDLE})"
    yield f"setMaxTCPConnectionsPerClient({TCP_PER_ADDRESS})"
    yield ""
    for endpoint in front.dns:
        yield f'addLocal("{endpoint}", {{reusePort=true}})'
    paths = (str((base / file).absolute()) for file in (front.certificate, front.key))
    files = ", ".join(map(lua_string, paths))
    for endpoint in front.dot:
        yield f'addTLSLocal("{endpoint}", {files}, {{minTLSVersion="tls1.2", reusePort=true}})'
    for endpoint in front.doh:
        options = f'"{DOH_PATH}", {{minTLSVersion="tls1.2", reusePort=true}}'
        yield f'addDOHLocal("{endpoint}", {files}, {options})'
    if front.dot or front.doh:
        yield ""
        yield _CERTIFICATES.format(files=f"{{ {files} }}")
    yield ""
    yield from _nodes(front.nodes)


def _nodes(nodes: Sequence[Endpoint]) -> Iterator[str]:
    ready = f'checkName="{names.text(HEALTH)}.", mustResolve=true, rise=2'
    if len(nodes) == 1:
        yield "-- The only node is asked also while it restarts: queries wait in its sockets."
        yield _server(nodes[0], "node-1", ready) + ":setUp()"
        return
    yield "-- The node with the fewest outstanding queries is asked. One that fails a health"
    yield "-- check is asked no more until it has passed two."
    for number, node in enumerate(nodes, 1):
        yield _server(node, f"node-{number}", ready)
    yield ""
    yield "-- Where no node is ready, those are asked that answer at all: a drained node refuses"
    yield "-- this name, and answers its clients."
    answers = f'pool="{_NOT_READY}", checkName="localhost.", mustResolve=false'
    for number, node in enumerate(nodes, 1):
        yield _server(node, f"node-{number}-{_NOT_READY}", answers)
    yield f'addAction(NotRule(PoolAvailableRule("")), PoolAction("{_NOT_READY}"))'


def _server(node: Endpoint, name: str, check: str) -> str:
    options = f'address="{node}", name="{name}", useProxyProtocol=true, {check}'
    return f"newServer({{{options}, checkInterval=1, checkTimeout=1000, maxCheckFailures=1}})"
