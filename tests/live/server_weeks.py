"""The names that two servers ask for in a week, with how often; and names that they ask for later.

Those of Debian 13 are from the configuration of its packages, those of Windows Server 2025 from
Microsoft's lists of endpoints and from popular-names.txt. Names of the agency are made up.
"""

from collections.abc import Iterator, Mapping

Week = Mapping[int, str]
"""Names by how often each is asked for."""

DEBIAN: Week = {
    672: "mail.agency.example git.agency.example ldap.agency.internal",  # each quarter of an hour
    336: """
        0.debian.pool.ntp.org 1.debian.pool.ntp.org 2.debian.pool.ntp.org 3.debian.pool.ntp.org
        8.8.8.8.in-addr.arpa 5.4.3.10.in-addr.arpa 4.4.8.8.in-addr.arpa
        """,
    168: "database.clamav.net current.cvd.clamav.net",
    14: """
        deb.debian.org _http._tcp.deb.debian.org _http._tcp.security.debian.org security.debian.org
        debian.map.fastlydns.net download.docker.com apt.postgresql.org
        """,
    7: "acme-v02.api.letsencrypt.org r10.o.lencr.org",
    2: "github.com raw.githubusercontent.com api.telegram.org",
}
DEBIAN_LATER = """
    popcon.debian.org metadata.ftp-master.debian.org packages.debian.org snapshot.debian.org
    r11.o.lencr.org prod.debian.map.fastlydns.net cdn-fastly.deb.debian.org
    objects.githubusercontent.com deb.nodesource.com ocsp.sectigo.com time.cloudflare.com
"""
"""A package's changelog, a new intermediate certificate, another mirror, a release of GitHub."""

WINDOWS: Week = {
    672: "dc1.ad.agency.internal _ldap._tcp.dc._msdcs.ad.agency.internal wpad.ad.agency.internal",
    336: "dns.msftncsi.com www.msftconnecttest.com time.windows.com",
    168: """
        settings-win.data.microsoft.com v10.events.data.microsoft.com self.events.data.microsoft.com
        ctldl.windowsupdate.com login.live.com client.wns.windows.com
        umwatson.events.data.microsoft.com wdcp.microsoft.com europe.cp.wd.microsoft.com
        """,
    28: """
        fe2cr.update.microsoft.com slscr.update.microsoft.com sls.update.microsoft.com
        geo.prod.do.dsp.mp.microsoft.com geover.prod.do.dsp.mp.microsoft.com
        kv601.prod.do.dsp.mp.microsoft.com disc801.prod.do.dsp.mp.microsoft.com
        download.windowsupdate.com au.download.windowsupdate.com 3.tlu.dl.delivery.mp.microsoft.com
        go.microsoft.com definitionupdates.microsoft.com licensing.mp.microsoft.com
        displaycatalog.mp.microsoft.com msedge.api.cdp.microsoft.com edge.microsoft.com
        msedge.b.tlu.dl.delivery.mp.microsoft.com
        """,
    7: """
        ocsp.digicert.com crl3.digicert.com oneocsp.microsoft.com www.microsoft.com
        activation-v2.sls.microsoft.com validation-v2.sls.microsoft.com
        nav.smartscreen.microsoft.com config.edge.skype.com arc.msn.com www.bing.com
        """,
}
WINDOWS_LATER = """
    4.au.download.windowsupdate.com ds.download.windowsupdate.com
    array617.prod.do.dsp.mp.microsoft.com catalog.update.microsoft.com wustat.windows.com
    wdcpalt.microsoft.com crl4.digicert.com
    fe3.delivery.mp.microsoft.com tsfe.trafficshaping.dsp.mp.microsoft.com
    www.catalog.update.microsoft.com unitedstates.cp.wd.microsoft.com
    download.visualstudio.microsoft.com officecdn.microsoft.com aka.ms
"""
"""Other numbers of the same hosts, the second server of Defender, the catalog, products."""


WEEKS = {"debian": DEBIAN, "windows": WINDOWS}
LATER = {"debian": DEBIAN_LATER, "windows": WINDOWS_LATER}


def asked(week: Week) -> Iterator[tuple[str, int]]:
    """Each name of a week, and how often it is asked for."""
    for times, names in week.items():
        yield from ((name, times) for name in names.split())
