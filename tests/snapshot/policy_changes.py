"""A config and lists, each with one change: of the policy, or of what belongs to one server."""

from tests.policy.networks import CONFIG, LISTS

CHANGES = {
    "a rule": (CONFIG, LISTS | {"one": LISTS["one"] + "||new.example^\n"}),
    "a rule's extent": (CONFIG, LISTS | {"two": LISTS["two"].replace("|y.a", "||y.a")}),
    "an exception": (CONFIG, LISTS | {"one": LISTS["one"].replace("@@||x", "@@||w")}),
    "a rule's list": (
        CONFIG,
        {"one": LISTS["one"] + "|y.a.example^\n", "two": LISTS["two"].replace("|y.a.example^", "")},
    ),
    "the mode": (CONFIG.replace('directives = ["1595"]', 'mode = "audit"'), LISTS),
    "a prefix": (CONFIG.replace("10.20.0.0/16", "10.20.0.0/17"), LISTS),
    "an exemption's end": (CONFIG.replace("23:59:59", "23:59:58"), LISTS),
    "a local record's TTL": (CONFIG.replace("600 AAAA", "601 AAAA"), LISTS),
    "a forwarded zone's server": (CONFIG.replace("10.0.0.10", "10.0.0.11"), LISTS),
    "an address of a filter": (CONFIG, LISTS | {"national.filter": "10.10.34.34/31\n"}),
}
