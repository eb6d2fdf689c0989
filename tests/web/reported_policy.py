"""A policy that the pages of reports show."""

CONFIG = """
[directives.1595]
number = "1595/الف/م"
date = 2015-02-18
covers = ["@messenger"]
[directives.3525]
number = "95/3525"
date = 2017-03-11
narrows = "1595"
[policies.administrative]
title = "امور اداری"
block = ["@messenger", "@encrypted-dns"]
deny = ["games.example"]
allow = ["status.one.example"]
directives = ["1595", "3525"]
contact = "NOC <noc@agency.example>"
[policies.publicity]
directives = ["3525"]
[vlans.administration]
title = "شبکهٔ ستاد"
id = 10
prefixes = ["10.10.0.0/16", "fd00:10::/64"]
policy = "administrative"
[vlans.publicity]
prefixes = ["10.20.0.0/16"]
policy = "publicity"
[[exemptions]]
id = "pr-1"
prefixes = ["10.10.3.7/32"]
services = ["one"]
until = 2027-03-20T12:00:00Z
approver = "مدیر کل <b>روابط عمومی</b>"
ticket = "PR-1"
reason = "</td><script>alert(1)</script>"
[[exemptions]]
id = "fair"
vlan = "publicity"
services = ["@messenger"]
until = 2020-03-20T23:59:59+03:30
approver = "Head"
ticket = "PR-2"
[[expect]]
client = "10.10.0.5"
name = "one.example"
outcome = "blocked"
service = "one"
[[expect]]
client = "10.10.3.7"
name = "one.example"
outcome = "blocked"
at = 2027-01-01T00:00:00Z
[[expect]]
client = "10.10.3.7"
name = "one.example"
outcome = "blocked"
at = 2200-01-01T00:00:00Z
[[expect]]
client = "192.0.2.1"
name = "one.example"
outcome = "refused"
[lists]
directories = ["lists"]
"""
LISTS = {
    "one": "! Title: One & <Only>\n! Title-fa: یک\n! Category: messenger\n||one.example^\n",
    "around": "! Title: Around\n! Category: encrypted-dns\n||around.example^\n",
}
NOW = 1_798_700_000.0
"""2026-12-31."""
