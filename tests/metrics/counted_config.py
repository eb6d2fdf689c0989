"""A config with VLANs, services and an exemption, whose queries are counted."""

CONFIG = """
[policies.administrative]
block = ["@messenger", "@encrypted-dns"]
allow = ["allowed.example"]
deny = ["denied.example"]
[policies.publicity]
upstream = "guarded"
[upstreams.guarded]
servers = ["192.0.2.1"]
rebinding_protection = true
[vlans.administration]
prefixes = ["10.10.0.0/16"]
policy = "administrative"
[vlans.publicity]
prefixes = ["10.20.0.0/16"]
policy = "publicity"
[[exemptions]]
id = "pr"
prefixes = ["10.10.3.0/24"]
services = ["one"]
until = 2100-01-01T00:00:00Z
approver = "Head of PR"
ticket = "PR-1"
"""
LISTS = {
    "one": "! Title: One\n! Category: messenger\n||one.example^\n",
    "around": "! Title: Around\n! Category: encrypted-dns\n||around.example^\n",
    "other": "! Title: Other\n! Category: encrypted-dns\n||other.example^\n",
}
