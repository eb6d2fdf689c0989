"""NSD as the upstream: authoritative for the root, so that every name has an answer of it.

The zones are the tests' own. What no record says is answered by the wildcards: ANY_V4 and
ANY_V6 for every name outside ``scene``.
"""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.live.clients import ask
from tests.live.ports import listens
from tests.live.running import running
from tests.live.waiting import wait_for

ANY_V4 = "192.0.2.80"
ANY_V6 = "2001:db8::80"
BIG = 24
"""The strings of big.scene, 200 octets each: too much for a UDP answer."""

_CONFIG = """
server:
{addresses}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{directory}"
  pidfile: "{directory}/nsd.pid"
  zonelistfile: "{directory}/zone.list"
  xfrdfile: "{directory}/xfrd.state"
  xfrdir: "{directory}"
  cookie-secret-file: "{directory}/cookies"
  rrl-ratelimit: {rate_limit}
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: "root.zone"
"""

ZONE = f"""
$ORIGIN .
$TTL 300
@ SOA ns.scene. hostmaster.scene. 1 3600 600 86400 60
@ NS ns.scene.
* A {ANY_V4}
* AAAA {ANY_V6}
* HTTPS 1 . alpn=h2
ns.scene. A 127.0.0.1
alias.scene. CNAME web.telegram.org.
telegram.scene. CNAME web.telegram.org.
whatsapp.scene. CNAME mmg.whatsapp.net.
viber.scene. CNAME media.cdn.viber.com.
line.scene. CNAME obs.line-apps.com.
tango.scene. CNAME www.tango.me.
address-of-telegram.scene. A 149.154.167.99
quiz.directory. A 149.154.167.99
long.scene. CNAME alias.scene.
address.scene. A 149.154.167.99
harmless.scene. CNAME www.agency.example.
https.scene. HTTPS 1 web.whatsapp.com. alpn=h2
https-alias.scene. HTTPS 0 www.viber.com.
range.scene. A 149.154.167.99
range.scene. AAAA ::ffff:959a:a763
range.scene. HTTPS 1 . alpn=h2 ipv4hint=149.154.167.99
cloud.scene. A 13.107.42.14
harmless-https.scene. HTTPS 1 www.agency.example. alpn=h2
""" + "".join(f'big.scene. TXT "{n:03}{"x" * 197}"\n' for n in range(BIG))


@contextmanager
def nsd(
    program: Path,
    directory: Path,
    port: int,
    through: Sequence[str | Path] = (),
    zone: str = ZONE,
    more: Sequence[str] = (),
    rate_limit: int = 0,
) -> Iterator[None]:
    """NSD on 127.0.0.1 and perhaps more addresses, perhaps within a namespace.

    ``rate_limit`` is in answers a second to a client's network; 0 is none.
    """
    (directory / "root.zone").write_text(zone, encoding="ascii")
    config = directory / "nsd.conf"
    addresses = "\n".join(f"  ip-address: {text}@{port}" for text in ("127.0.0.1", *more))
    text = _CONFIG.format(addresses=addresses, directory=directory, rate_limit=rate_limit)
    config.write_text(text, encoding="utf-8")
    with running([*through, program, "-d", "-c", config], directory / "log") as process:
        wait_for(lambda: _answers(process, directory, port, through), "NSD is ready")
        yield
        assert process.poll() is None, "somebody else has ended NSD"


def _answers(
    process: subprocess.Popen[bytes], directory: Path, port: int, through: Sequence[str | Path]
) -> bool:
    log = (directory / "log").read_text(encoding="utf-8", errors="replace")
    assert process.poll() is None, f"NSD has ended:\n{log}"
    if through:
        return listens(process.pid, port)
    return ask(port, "ns.scene") is not None
