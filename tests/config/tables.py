"""Tables of configs that many tests have: VLANs and exemptions."""

import json

UNTIL = "2027-03-20T23:59:59+03:30"
FAR = "2199-03-20T23:59:59+03:30"


def vlan(name: str, policy: str, *prefixes: str, allow: str = "", deny: str = "") -> str:
    """A VLAN; the names of ``allow`` and ``deny`` are given with commas between."""
    own = (("allow", allow), ("deny", deny))
    rules = "".join(f"{key} = {json.dumps(text.split(','))}\n" for key, text in own if text)
    return f'[vlans.{name}]\nprefixes = {json.dumps(prefixes)}\npolicy = "{policy}"\n{rules}'


def exemption(
    id_: str,
    services: str,
    *,
    vlan: str = "",
    prefixes: tuple[str, ...] = (),
    hours: str = "",
    until: str = UNTIL,
) -> str:
    """An exemption of a VLAN or of prefixes from services, which are given with commas between."""
    whom = f'vlan = "{vlan}"' if vlan else f"prefixes = {json.dumps(prefixes)}"
    within = f'hours = "{hours}"\n' if hours else ""
    return (
        f'[[exemptions]]\nid = "{id_}"\n{whom}\nservices = {json.dumps(services.split(","))}\n'
        f'{within}until = {until}\napprover = "Head of PR"\nticket = "PR-1"\n'
    )
