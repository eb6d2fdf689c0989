"""The servers to compare with.

To add one, write a class with its configuration and put it into ``PEERS``. Each gets one
worker or thread, the same list, and NSD as its only upstream, and validates nothing, as
Darban does not; caches are made large enough for every name of a run.
"""

from tests.programs.bench.peer import Packaged, Peer
from tests.programs.bench.questions import domains

# respip carries RPZ. The validator is left out, since Darban does not validate either.
_UNBOUND = """\
server:
  module-config: "respip iterator"
  interface: 127.0.0.1@{here.port}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  num-threads: 1
  msg-cache-size: 64m
  rrset-cache-size: 64m
  incoming-num-tcp: 100
  so-rcvbuf: 4m
  username: ""
  chroot: ""
  directory: "{here.place}"
  pidfile: ""
  use-syslog: no
  logfile: ""
remote-control:
  control-enable: no
rpz:
  name: rpz.bench.
  zonefile: "{here.place}/rpz.zone"
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{here.upstream}
"""


class Unbound(Packaged):
    name = "Unbound"
    program = "unbound"
    package = "unbound"
    service = "unbound"
    config = ("unbound.conf", _UNBOUND)
    arguments = ("-d", "-c", "{config}")
    ask_version = "-V"


# By default RPZ waits for the upstream even where the name alone decides; the others do not.
_BIND = """\
options {{
  directory "{here.place}";
  pid-file none;
  session-keyfile none;
  listen-on port {here.port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  allow-query {{ 127.0.0.0/8; }};
  allow-recursion {{ 127.0.0.0/8; }};
  forwarders {{ 127.0.0.1 port {here.upstream}; }};
  forward only;
  dnssec-validation no;
  empty-zones-enable no;
  minimal-responses yes;
  max-cache-size 256M;
  response-policy {{ zone "rpz.bench"; }} qname-wait-recurse no;
}};
controls {{ }};
logging {{ category default {{ default_stderr; }}; category rpz {{ null; }}; }};
zone "rpz.bench" {{ type primary; file "rpz.zone"; allow-query {{ none; }}; }};
"""


class Bind(Packaged):
    name = "BIND"
    program = "named"
    package = "bind9"
    service = "named"
    config = ("named.conf", _BIND)
    arguments = ("-f", "-n", "1", "-c", "{config}")
    ask_version = "-v"


_DNSDIST = """\
setSecurityPollSuffix("")
setACL({{"127.0.0.0/8"}})
setLocal("127.0.0.1:{here.port}")
setMaxTCPClientThreads(1)
newServer({{address="127.0.0.1:{here.upstream}", checkName="health.example."}})
getPool(""):setCache(newPacketCache(500000))
blocked = newSuffixMatchNode()
for name in io.lines("{here.place}/blocked") do blocked:add(newDNSName(name)) end
addAction(SuffixMatchNodeRule(blocked), RCodeAction(DNSRCode.NXDOMAIN))
"""


class Dnsdist(Packaged):
    """A load balancer in front of NSD: it blocks and caches, and resolves nothing itself."""

    name = "dnsdist"
    program = "dnsdist"
    package = "dnsdist"
    service = "dnsdist"
    config = ("dnsdist.conf", _DNSDIST)
    blocked = ("blocked", domains)
    arguments = ("--supervised", "--disable-syslog", "-C", "{config}")
    ask_version = "--version"
    parts = "one listener"


_RECURSOR = """\
incoming:
  listen: ["127.0.0.1"]
  port: {here.port}
  allow_from: ["127.0.0.0/8"]
outgoing:
  dont_query: []
dnssec:
  validation: "off"
recursor:
  daemon: false
  threads: 1
  socket_dir: "{here.place}"
  security_poll_suffix: ""
  hint_file: "no"
  serve_rfc1918: false
  forward_zones_recurse:
    - zone: "."
      forwarders: ["127.0.0.1:{here.upstream}"]
  rpzs:
    - name: "{here.place}/rpz.zone"
recordcache:
  max_entries: 1000000
packetcache:
  max_entries: 500000
logging:
  disable_syslog: true
  loglevel: 3
"""


class Recursor(Packaged):
    name = "PowerDNS Recursor"
    program = "pdns_recursor"
    package = "pdns-recursor"
    service = "pdns-recursor"
    config = ("recursor.yml", _RECURSOR)
    arguments = ("--config-dir={place}",)
    ask_version = "--version"


_KNOT = """\
net.listen("127.0.0.1", {here.port}, {{ kind = "dns" }})
net.ipv6 = false
trust_anchors.remove(".")
modules.unload("ta_update")
modules.unload("ta_signal_query")
modules.unload("priming")
cache.size = 256 * MB
policy.add(policy.rpz(policy.DENY, "{here.place}/rpz.zone", false))
policy.add(policy.all(policy.STUB("127.0.0.1@{here.upstream}")))
"""


class Knot(Packaged):
    name = "Knot Resolver"
    program = "kresd"
    package = "knot-resolver"
    service = "kresd.target"
    config = ("kresd.conf", _KNOT)
    arguments = ("-n", "-c", "{config}", "{place}")
    ask_version = "--version"
    parts = "one process"


PEERS: tuple[type[Peer], ...] = (Unbound, Bind, Dnsdist, Recursor, Knot)
