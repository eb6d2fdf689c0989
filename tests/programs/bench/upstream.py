"""The name server that all the others ask: NSD.

It stands for the resolver that a network forwards to. Such a resolver answers with what was asked
for and no more, as Unbound and BIND do by default; so does NSD here, since its root zone has no NS
record. For the names in ``FULL`` it adds authority and additional records.
"""

from tests.programs.bench.peer import Packaged
from tests.programs.bench.questions import FULL, Data

ADDRESS = "192.0.2.1"
"""Where every name leads that is not blocked."""

_HEAD = "$TTL 86400\n@ SOA ns.invalid. root.invalid. 1 3600 600 86400 300\n"
_WILDCARDS = f'* A {ADDRESS}\n* AAAA 2001:db8::1\n* HTTPS 1 . alpn="h2"\n'
_ROOT_ZONE = f"$ORIGIN .\n{_HEAD}{_WILDCARDS}"
_FULL_ZONE = f"""\
$ORIGIN {FULL}.
{_HEAD}{_WILDCARDS}
@ NS ns1
@ NS ns2
ns1 A 192.0.2.2
ns1 AAAA 2001:db8::2
ns2 A 192.0.2.3
ns2 AAAA 2001:db8::3
"""

_NSD = """\
server:
  server-count: 1
  minimal-responses: no
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
zone:
  name: "@FULL@."
  zonefile: full.zone
""".replace("@FULL@", FULL)


class Authority(Packaged):
    """NSD with two zones, in which every name has the three types."""

    name = "NSD"
    program = "nsd"
    config = ("nsd.conf", _NSD)
    arguments = ("-d", "-c", "{config}")
    ask_version = "-v"

    def configure(self, data: Data) -> list[str]:
        (self.place / "root.zone").write_text(_ROOT_ZONE)
        (self.place / "full.zone").write_text(_FULL_ZONE)
        return super().configure(data)
