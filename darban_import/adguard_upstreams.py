"""Name servers as AdGuard Home writes them: ``9.9.9.9``, ``[/zone/]10.0.0.10``, ``tls://...``."""

import re
from collections.abc import Iterable

from pydantic import TypeAdapter, ValidationError

from darban_import.old_setup import OldSetup
from resolver.config.network_values import Bootstrap, Server
from resolver.config.values import InvalidValue, read_name
from resolver.dns import names

_FOR_ZONES = re.compile(r"\[/(.*)/\](.*)")
_FORGOTTEN = "Names that it was asked for are asked of the other servers, or of none."
_SERVER = TypeAdapter[object](Server)
_BOOTSTRAP = TypeAdapter[object](Bootstrap)


def read_upstreams(setup: OldSetup, lines: Iterable[str], whose: str) -> list[str]:
    """The servers for all names; those for zones are added to ``setup.forward``.

    ``whose`` begins what is said of a line that does not come over.
    """
    servers = []
    for line in lines:
        if not line or line.startswith("#"):
            continue
        parts = _FOR_ZONES.fullmatch(line)
        if parts is None:
            servers += [server for text in line.split() if (server := _server(setup, text, whose))]
        elif whose:
            setup.leave(f"{whose}: {line}: here a zone has the same servers for all clients")
        else:
            _add_zones(setup, line, parts[1].split("/"), parts[2].split())
    return list(dict.fromkeys(servers))


def read_bootstrap(setup: OldSetup, lines: Iterable[str]) -> list[str]:
    """The servers that resolve the names of servers and lists: addresses, asked over plain DNS."""
    servers = []
    for line in lines:
        if not line or line.startswith("#"):
            continue
        text = line.removeprefix("udp://")
        if _is_valid(_BOOTSTRAP, text):
            servers.append(text)
        else:
            setup.leave(f"bootstrap_dns {line}: only an address, over plain DNS, is one here")
    return list(dict.fromkeys(servers))


def _add_zones(setup: OldSetup, line: str, zones: list[str], servers: list[str]) -> None:
    if servers == ["#"]:
        setup.leave(f"upstream {line}: to ask a zone of the servers of all names, [[forward]]")
        return
    asked = [server for text in servers if (server := _server(setup, text, ""))]
    for zone in zones:
        try:
            name = names.text(read_name(zone)) if zone else ""
        except InvalidValue:
            name = ""
        if not name:
            setup.leave(f"upstream {line}: '{zone}' is no zone here. {_FORGOTTEN}")
        elif asked:
            setup.forward.setdefault(name, []).extend(asked)


def _server(setup: OldSetup, text: str, whose: str) -> str:
    """A server as the config has it; empty where it cannot be asked."""
    plain = text.removeprefix("udp://")
    if _is_valid(_SERVER, plain) and plain != "system":
        return plain
    begin = f"{whose}: " if whose else ""
    advice = 'over TLS it is "tls://NAME@ADDRESS"; over HTTPS and QUIC none is asked'
    setup.leave(f"{begin}upstream {text}: {advice}. {_FORGOTTEN}")
    return ""


def _is_valid(kind: TypeAdapter[object], text: str) -> bool:
    try:
        kind.validate_python(text)
    except ValidationError:
        return False
    return True
