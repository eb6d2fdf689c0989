"""The rules of nftables by which a router redirects queries, as the document has them."""

import re

from tests.live.configs import ROOT, replaced_once
from tests.live.gateway import FROM_CLIENT

DOCUMENT = ROOT / "docs/how-to/redirect.md"


def rules() -> str:
    """The rules of the document, for the interface of this network."""
    (rules,) = re.findall("```nft\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return replaced_once(str(rules), '"vlan10", "vlan30"', f'"{FROM_CLIENT}"')
