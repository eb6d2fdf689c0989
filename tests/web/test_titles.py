"""What pages call services, categories, VLANs and policies."""

import re

from resolver.web.titles import Titles
from tests.live.configs import BLOCKLISTS
from tests.policy.networks import snapshot_of


def test_every_category_of_the_shipped_lists_has_a_persian_title() -> None:
    texts = [path.read_text(encoding="utf-8") for path in BLOCKLISTS.glob("*.txt")]
    categories = {item for text in texts for item in re.findall("^! Category: (.*)$", text, re.M)}
    persian = Titles(snapshot_of().compiled, "fa")
    assert categories
    assert [category for category in categories if persian.category(category) == category] == []


def test_what_has_no_title_has_its_name() -> None:
    for language in ("fa", "en"):
        titles = Titles(snapshot_of().compiled, language)
        assert titles.vlan("gone") == titles.policy("gone") == titles.service("gone") == "gone"
        assert titles.reference("@own") == "@own"
        assert titles.reference("||agency.example^") == "||agency.example^"
