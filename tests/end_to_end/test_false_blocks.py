"""Names that must never be blocked in administration.

The long lists go through the real engine (``explanation.Engine`` on the shipped config,
which is the engine that answers queries, without its sockets), so that 50,000 names take
seconds; the names that break a network when they are blocked are asked of the server too.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from resolver.analysis.explanation import Explainer
from resolver.dns import codes, names
from resolver.policy.index import Index
from resolver.snapshot.compiler import compile_file
from tests.live.clients import ask
from tests.live.configs import ROOT
from tests.live.server import Server

DATA = ROOT.parent / "shared" / "data"
CLIENT = "127.0.10.5"

DOMESTIC = ("eitaa.com", "bale.ai", "rubika.ir", "splus.ir", "gap.im", "igap.net")
VITAL = (
    # captive portal and connectivity checks
    *("dns.msftncsi.com", "www.msftncsi.com", "www.msftconnecttest.com", "ipv6.msftncsi.com"),
    *("captive.apple.com", "www.apple.com", "gsp1.apple.com", "www.appleiphonecell.com"),
    *("connectivitycheck.gstatic.com", "connectivitycheck.android.com", "clients3.google.com"),
    *("www.google.com", "detectportal.firefox.com", "nmcheck.gnome.org"),
    # push
    *("fcm.googleapis.com", "mtalk.google.com", "mobile-gtalk.l.google.com"),
    *("courier.push.apple.com", "1-courier.push.apple.com", "api.push.apple.com"),
    *("client.wns.windows.com", "updates.push.services.mozilla.com"),
    # time
    *("time.windows.com", "time.apple.com", "time.google.com", "time.android.com"),
    *("pool.ntp.org", "0.pool.ntp.org", "ir.pool.ntp.org", "ntp.ubuntu.com"),
    # revocation of certificates
    *("ocsp.digicert.com", "crl3.digicert.com", "ocsp.sectigo.com", "crl.sectigo.com"),
    *("r10.o.lencr.org", "r3.o.lencr.org", "x1.c.lencr.org", "e5.c.lencr.org"),
    *("ocsp.globalsign.com", "crl.globalsign.com", "ocsp.pki.goog", "c.pki.goog"),
    *("ocsp.apple.com", "crl.apple.com", "valid.apple.com", "crl.microsoft.com"),
    *("ctldl.windowsupdate.com", "ocsp.entrust.net", "ocsp.godaddy.com"),
)
RESOLVERS = {
    *("dns.sse.cisco.com", "familyshield.sse.cisco.com"),
    "fxj8pd39z5.cloudflare-gateway.com",  # the resolver of an account
}
"""Popular names that are resolvers of encrypted DNS, and blocked as such."""
SAMPLE_POPULAR = (
    *("gstatic.com", "microsoft.com", "office.com", "live.com", "wikipedia.org", "github.com"),
    *("googleapis.com", "cloudflare.com", "akamai.net", "debian.org", "python.org", "mozilla.org"),
)
SAMPLE_IRANIAN = ("divar.ir", "yektanet.com", "digikala.com", "aparat.com", "snapp.ir", "shad.ir")
SAMPLE_NEAR = ("mybluehost.me", "config.playwire.com", "www.indiewire.com", "online.me", "nott.me")


@pytest.fixture(scope="module")
def blocked() -> Callable[[Iterable[str]], list[str]]:
    """Those of some names that an administrative client does not get, each with the reason."""
    snapshot = compile_file(ROOT / "config.toml", time.time()).snapshot
    engine = Explainer(snapshot.terms, Index(snapshot.trie, snapshot.rules), time.time())

    def of(texts: Iterable[str]) -> list[str]:
        told = (engine.for_client(CLIENT, names.parse(text), codes.A) for text in texts)
        return [f"{each.name}: {each.decided_by}" for each in told if each.outcome != "passed"]

    assert of(["web.telegram.org"]), "the engine must be one that blocks"
    return of


Blocked = Callable[[Iterable[str]], list[str]]
Figure = Callable[[str], None]


def test_no_name_that_only_ends_like_a_rule(blocked: Blocked, figure: Figure) -> None:
    rows = _lines(DATA / "near-miss.tsv")
    texts = [row.split("\t")[1] for row in rows] or SAMPLE_NEAR
    _none(blocked, figure, "names that end like a rule, not at a label", texts)


def test_no_popular_name(blocked: Blocked, figure: Figure) -> None:
    labelled = {row.split("\t")[0] for row in _lines(DATA / "popular-names.labels.tsv")}
    known = labelled | RESOLVERS
    texts = [text for text in _lines(DATA / "popular-names.txt") if text not in known]
    _none(blocked, figure, "popular names", texts or SAMPLE_POPULAR)


def test_no_popular_iranian_name(blocked: Blocked, figure: Figure) -> None:
    texts = _lines(DATA / "popular-ir-names.txt") or SAMPLE_IRANIAN
    _none(blocked, figure, "popular Iranian names", texts)


def test_no_domestic_messenger(blocked: Blocked, figure: Figure) -> None:
    texts = [each for name in DOMESTIC for each in (name, f"www.{name}")]
    _none(blocked, figure, "domestic messengers", texts)


def test_nothing_that_devices_need(blocked: Blocked, figure: Figure) -> None:
    _none(blocked, figure, "captive checks, push, time, revocation", VITAL)


def test_the_server_agrees(quiet: Server, figure: Figure) -> None:
    texts = [*DOMESTIC, *(f"www.{name}" for name in DOMESTIC), *VITAL]
    got = {text: ask(quiet.port, text, client=CLIENT) for text in texts}
    blocked = [text for text, reply in got.items() if reply is None or _is_sinkholed(reply)]
    figure(f"asked of the server: {len(blocked)} of {len(texts)} blocked")
    assert blocked == []


def _is_sinkholed(reply: object) -> bool:
    records = getattr(reply, "rr", [])
    return not records or any(str(record.rdata) == "0.0.0.0" for record in records)


def _none(blocked: Blocked, figure: Figure, what: str, texts: Iterable[str]) -> None:
    texts = list(texts)
    found = blocked(texts)
    line = f"{what}: {len(found)} of {len(texts)} blocked"
    print(line)
    figure(line)
    assert found == []


def _lines(path: Path) -> list[str]:
    """The lines of a file of ../shared/data; none where it is not there."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
