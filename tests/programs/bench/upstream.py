"""The name server that all the others ask: NSD.

It stands for the resolver that a network forwards to. Those answer with what was asked for and
no more, as is Unbound's and BIND's own way, so NSD is told to as well.
"""

from tests.programs.bench.peer import Peer, found, said
from tests.programs.bench.questions import Data


class Authority(Peer):
    """The upstream: NSD with a root zone in which every name has the three types."""

    name = "NSD"
    program = "nsd"
    package = "nsd"
    workloads = frozenset()

    def configure(self, data: Data) -> list[str]:  # noqa: ARG002 - wildcards answer for all names
        (self.place / "root.zone").write_text(_ROOT_ZONE)
        config = self.place / "nsd.conf"
        config.write_text(_NSD.format(here=self))
        return [found(self.program), "-d", "-c", str(config)]

    def version(self) -> str:
        return said([found(self.program), "-v"]).partition("\n")[0]


ADDRESS = "192.0.2.1"
"""Where every name leads that is not blocked."""

_ROOT_ZONE = f"""\
$ORIGIN .
$TTL 86400
@ SOA ns.invalid. root.invalid. 1 3600 600 86400 300
@ NS ns.invalid.
* A {ADDRESS}
* AAAA 2001:db8::1
* HTTPS 1 . alpn="h2"
"""

_NSD = """\
server:
  server-count: 1
  minimal-responses: yes
  ip-address: 127.0.0.1@{here.port}
  zonesdir: "{here.place}"
  xfrdir: "{here.place}"
  xfrdfile: ""
  zonelistfile: "{here.place}/zone.list"
  username: ""
  chroot: ""
  pidfile: ""
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: root.zone
"""
