"""Names that no shipped list may block, by kind.

The long sets are in ``../shared/data``, which is no part of the repository; without it a few
names stand for each of them.
"""

import tomllib
from functools import cache
from pathlib import Path

from resolver.compiler.protected_names import UPDATES

DATA = Path(__file__).parents[3] / "shared" / "data"

TAKEN_SINCE = {
    "cloudflare-gateway.com": "encrypted-dns",
    "dns.sse.cisco.com": "encrypted-dns",
    "familyshield.sse.cisco.com": "encrypted-dns",
    "feishu.cn": "lark-feishu",
    "oneme.ru": "max",
    "teams.cloud.microsoft": "microsoft-teams",
    "tamtam.chat": "tamtam",
    "ciscospark.com": "webex",
    "wbx2.com": "webex",
    "webex.com": "webex",
    "webexapis.com": "webex",
    "webexcontent.com": "webex",
}
"""Zones with popular names that the labels of the popular names do not know."""

SHARED_TAKEN = {
    "discord-attachments-uploads-prd.storage.googleapis.com": "discord",
    "dns.google.com": "encrypted-dns",
    "chat.google.com": "google-chat",
    "hangouts.googleapis.com": "google-chat",
    "meet.google.com": "google-chat",
    "meetings.clients6.google.com": "google-chat",
    "meetings.googleapis.com": "google-chat",
    "teams.skype.com": "microsoft-teams",
    "mmsns.qpic.cn": "wechat",
}
"""A service's own zones below domains that are shared."""

BESIDE_SOCIAL_NETWORKS = (
    *("web.whatsapp.com", "graph.whatsapp.com", "mmg.whatsapp.net", "wa.me"),
    *("www.messenger.com", "m.me", "edge-chat.facebook.com", "chat-e2ee-mini.facebook.com"),
    *("star.c10r.facebook.com", "mqtt.c10r.facebook.com", "scontent.xx.fbcdn.net"),
    *("whatsapp-cdn-shv-01-lhr3.fbcdn.net", "www.fbsbx.com", "connect.facebook.net"),
    *("web.telegram.org", "www.snapchat.com", "teams.microsoft.com", "l-0005.l-msedge.net"),
    *("www.google.com", "accounts.google.com", "drive.google.com", "play-lh.ggpht.com"),
    *("lh3.googleusercontent.com", "maps.googleapis.com", "www.douyin.com"),
    *("netflix.com", "ax.com", "at.co", "notyoutube.com", "wired.it", "read.it", "pin.its"),
)
"""Names beside social networks: of messengers and others that share their hosts, and names that
only end alike."""

DOMESTIC = ("eitaa.com", "bale.ai", "ble.ir", "rubika.ir", "splus.ir", "gap.im", "igap.net")

OPEN: dict[str, list[str]] = {
    "captive portal checks": [
        "www.msftconnecttest.com",
        "ipv6.msftconnecttest.com",
        "dns.msftncsi.com",
        "www.msftncsi.com",
        "captive.apple.com",
        "www.apple.com",
        "connectivitycheck.gstatic.com",
        "connectivitycheck.android.com",
        "clients3.google.com",
        "www.gstatic.com",
        "www.google.com",
        "play.googleapis.com",
        "detectportal.firefox.com",
        "connectivity-check.ubuntu.com",
        "nmcheck.gnome.org",
        "conn-service-eu-05.allawnos.com",
    ],
    "notifications": [
        "mtalk.google.com",
        "alt1-mtalk.google.com",
        "mtalk4.google.com",
        "fcm.googleapis.com",
        "firebaseinstallations.googleapis.com",
        "firebaseremoteconfig.googleapis.com",
        "courier.push.apple.com",
        "1-courier.push.apple.com",
        "api.push.apple.com",
        "init-p01st.push.apple.com",
        "client.wns.windows.com",
        "updates.push.services.mozilla.com",
        "push.services.mozilla.com",
    ],
    "clocks": [
        "pool.ntp.org",
        "0.pool.ntp.org",
        "2.android.pool.ntp.org",
        "time.windows.com",
        "time.apple.com",
        "time.google.com",
        "time.cloudflare.com",
        "ntp.ubuntu.com",
        "time.nist.gov",
    ],
    "revocation of certificates": [
        "ocsp.digicert.com",
        "crl3.digicert.com",
        "crl4.digicert.com",
        "o.lencr.org",
        "r3.o.lencr.org",
        "r10.c.lencr.org",
        "ocsp.pki.goog",
        "c.pki.goog",
        "ocsp.sectigo.com",
        "crl.sectigo.com",
        "ocsp.globalsign.com",
        "ocsp2.globalsign.com",
        "ocsp.apple.com",
        "ocsp2.apple.com",
        "crl.apple.com",
        "ocsp.entrust.net",
        "ctldl.windowsupdate.com",
        "www.microsoft.com",
    ],
    "shared with messengers": [
        "facebook.com",
        "www.facebook.com",
        "graph.facebook.com",
        "star.c10r.facebook.com",
        "scontent.xx.fbcdn.net",
        "www.qq.com",
        "accounts.kakao.com",
        "dapi.kakao.com",
        "www.naver.jp",
        "config.edge.skype.com",
        "edge.skype.net",
        "secure.skypeassets.com",
        "github.githubassets.com",
        "pinterest.com",
        "www.redditstatic.com",
        "firestore.googleapis.com",
        "software-download.microsoft.com",
        "mail.google.com",
        "opencdn.jomodns.com",
        "www.line-website.com",
        "comments.app",
        "fragment.com",
    ],
    "asked or answered by the server itself": [
        "resolver.arpa",
        "_dns.resolver.arpa",
        "raw.githubusercontent.com",
        "github.com",
        "pypi.org",
        "files.pythonhosted.org",
        "deb.debian.org",
    ],
}

_POPULAR = ["gstatic.com", "microsoft.com", "office.com", "live.com", "wikipedia.org", "github.com"]
_IRANIAN = ["divar.ir", "yektanet.com", "digikala.com", "aparat.com", "snapp.ir", "shad.ir"]
_NEAR = ["mybluehost.me", "config.playwire.com", "www.indiewire.com", "online.me", "nott.me"]
_TARGETS = ["mqtt.c10r.facebook.com", "skype.trafficmanager.net", "line-apps.com.akadns.net"]


@cache
def guard_sets() -> dict[str, list[str]]:
    """The names by kind."""
    labels = dict(row.split("\t")[:2] for row in _lines("popular-names.labels.tsv"))
    shared = [name for name, label in labels.items() if label.startswith("shared:")]
    popular = [name for name in _lines("popular-names.txt") if name not in labels]
    near = [row.split("\t")[1] for row in _lines("near-miss.tsv")]
    return {
        "popular names": [name for name in popular if not zone_of(name, TAKEN_SINCE)] or _POPULAR,
        "names of shared domains": [name for name in shared if not zone_of(name, SHARED_TAKEN)],
        "popular Iranian names": _lines("popular-ir-names.txt") or _IRANIAN,
        "names that only end like a rule": near or _NEAR,
        "targets at shared hosts": _lines("cname-targets.tsv") or _TARGETS,
        "domestic messengers": [text for name in DOMESTIC for text in (name, f"web.{name}")],
        "updates, time, revocation": [text for name in _updates() for text in (name, f"a.{name}")],
        **OPEN,
    }


def popular_below(zones: dict[str, str]) -> dict[str, str]:
    """The popular names in some zones, each with the service of its zone."""
    found = {name: zone_of(name, zones) for name in [*zones, *_lines("popular-names.txt")]}
    return {name: zones[zone] for name, zone in found.items() if zone}


def zone_of(name: str, zones: dict[str, str]) -> str:
    """The zone that a name lies in; empty where it lies in none."""
    labels = name.split(".")
    above = (".".join(labels[place:]) for place in range(len(labels)))
    return next((zone for zone in above if zone in zones), "")


def _updates() -> list[str]:
    """The names that no list of others may block either."""
    groups = tomllib.loads(UPDATES.read_text(encoding="utf-8"))["group"]
    return [name for group in groups for name in group["names"]]


def _lines(file: str) -> list[str]:
    """The lines of a file of ../shared/data; none where it is not there."""
    path = DATA / file
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [line for line in lines if line and not line.startswith("#")]
