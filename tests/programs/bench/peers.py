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
    config = ("unbound.conf", _UNBOUND)
    arguments = ("-d", "-c", "{config}")
    ask_version = "-V"


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
    config = ("dnsdist.conf", _DNSDIST)
    blocked = ("blocked", domains)
    arguments = ("--supervised", "--disable-syslog", "-C", "{config}")
    ask_version = "--version"
    parts = "one listener"


PEERS: tuple[type[Peer], ...] = (Unbound, Dnsdist)
