"""The rules of nftables by which a router redirects queries, as deploy/router has them."""

from tests.live.configs import ROOT, replaced_once
from tests.live.gateway import FROM_CLIENT

REDIRECT = ROOT / "deploy/router/darban-redirect.nft"


def rules() -> str:
    """The rules of the file, for the interface of this network."""
    text = REDIRECT.read_text(encoding="utf-8")
    return replaced_once(text, '"vlan10", "vlan30"', f'"{FROM_CLIENT}"')
