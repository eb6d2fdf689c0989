"""``darban init``: write a first config from the VLANs of a network."""

import os
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated

import typer

from resolver import DarbanError
from resolver.cli.check import checked
from resolver.cli.command import echo
from resolver.cli.default_config import HERE, SYSTEM
from resolver.cli.importer import Imported, read_settings
from resolver.cli.policies import no_such_vlan
from resolver.config.first_config import (
    INSTALLED_SCHEMA,
    NewConfig,
    NewVlan,
    client_of,
    text_of,
)
from resolver.config.values import Network, check_digits
from resolver.snapshot.config_files import DiskFiles
from resolver.snapshot.shipped_lists import INSTALLED_LISTS, SOURCES, shipped_lists
from resolver.system.folder import Folder

OWN_LISTS = "blocklists"
"""The agency's own lists, beside its config."""
DNS_PORT = 53

Vlans = Annotated[
    list[str],
    typer.Option(
        "--vlan",
        metavar="NAME=PREFIX,...",
        help="a VLAN and the prefixes of its clients: staff=10.10.0.0/16,fd00:10::/64; "
        "with --from-..., of the clients that the old config does not list",
    ),
]
Open = Annotated[
    list[str], typer.Option("--open", metavar="NAME", help="a VLAN on which nothing is blocked")
]
Upstream = Annotated[
    list[str],
    typer.Option(
        "--upstream",
        metavar="ADDRESS",
        help="a resolver to ask, with a port or without; none means those of the old config, or of "
        "/etc/resolv.conf",
    ),
]
ListenOn = Annotated[
    list[str],
    typer.Option(
        "--listen",
        metavar="ADDRESS",
        help="an address of this host to answer on; port 53 unless it has one; "
        "none means the addresses from which this host reaches the VLANs",
    ),
]
Contact = Annotated[
    str, typer.Option("--contact", help="whom a blocked person may ask: noc@agency.example")
]
Pihole = Annotated[
    Path | None,
    typer.Option("--from-pihole", metavar="GRAVITY.DB", help="a gravity.db of Pi-hole 5 or 6"),
]
Adguard = Annotated[
    Path | None,
    typer.Option("--from-adguard", metavar="YAML", help="an AdGuardHome.yaml of AdGuard Home"),
]
Audit = Annotated[bool, typer.Option("--audit", help="count what would be blocked, block nothing")]
File = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE", help="the file; as root /etc/darban/config.toml, otherwise config.toml"
    ),
]


def init(
    file: File = None,
    *,
    vlan: Vlans = [],  # noqa: B006 - Typer copies it
    open_: Open = [],  # noqa: B006
    upstream: Upstream = [],  # noqa: B006
    listen: ListenOn = [],  # noqa: B006
    contact: Contact = "",
    audit: Audit = False,
    from_pihole: Pihole = None,
    from_adguard: Adguard = None,
) -> int:
    """Write a first config, from VLANs or another resolver.

    A VLAN that is not --open gets the policy "administrative": foreign messengers and encrypted DNS
    are blocked. The config has expectations for every VLAN, and for every name of messengers. It is
    checked, as by darban check, before it is written. No file is overwritten.

    With --from-pihole or --from-adguard, the config has the lists, names, services, clients and
    expectations of the old resolver, and blocks nothing else. What came over and what is left is
    printed, and is in the config as comments.

        darban init --vlan administration=10.10.0.0/16 --vlan publicity=10.20.0.0/16
            --open publicity --upstream 127.0.0.1:5335 --contact noc@agency.example

        darban init new.toml --from-pihole gravity.db --vlan staff=10.10.0.0/16
    """
    path = file or (SYSTEM if os.geteuid() == 0 and SYSTEM.parent.is_dir() else HERE)
    _refuse_existing(path)
    lists = _lists(path)
    directories = [path.parent / directory for directory in lists]
    old = read_settings({"pihole": from_pihole, "adguard": from_adguard}, directories)
    vlans = _vlans(vlan, open_)
    if not vlans and (old is None or not old.clients):
        raise DarbanError("say --vlan NAME=PREFIX,... for each VLAN of your clients")
    of_clients = old.clients if old else []
    addresses = [_with_port(address) for address in listen] or _own_addresses([*vlans, *of_clients])
    new = NewConfig(vlans, addresses, upstream, contact, lists, audit, _schema())
    fresh = replace(new, upstream=upstream or ["system"])
    text = old.text(new) if old else text_of(fresh)
    _check(path, text)
    _write(path, text)
    if old is None:
        closed = [vlan.name for vlan in vlans if not vlan.is_open]
        does = "counts" if audit else "blocks"
        echo(f"{path}: written. On {', '.join(closed) or 'no VLAN'} it {does} foreign messengers.")
    else:
        echo(f"{path}: written from the settings of {old.program}.")
        _print_notes(old, has_vlans=bool(vlans))
    echo("")
    for number, step in enumerate(_next_steps(path, vlans or of_clients, addresses[0]), 1):
        echo(f"{number}. {step}")
    return 0


def _print_notes(old: Imported, *, has_vlans: bool) -> None:
    """Print what came over, and what is left."""
    for title, notes in old.notes().items():
        echo(f"\n{title}")
        for note in notes:
            echo(f"- {note}")
    if not has_vlans:
        echo(
            "- clients that the old config does not list are refused: name their prefixes with "
            "--vlan NAME=PREFIX,..., and they have what such clients had"
        )


def _refuse_existing(path: Path) -> None:
    if path.exists() or path.is_symlink():
        beside = path.with_name("new.toml")
        raise DarbanError(
            f"{path} exists, and stays as it is. To begin anew, add another file to this command, "
            f"such as {beside}."
        )


def _vlans(given: Sequence[str], open_: Sequence[str]) -> list[NewVlan]:
    """The VLANs of the command line.

    Raises:
        DarbanError: a text is not NAME=PREFIX, a name is given twice, or an open VLAN is not given.
    """
    vlans: dict[str, NewVlan] = {}
    for text in given:
        name, equals, prefixes = text.partition("=")
        if not equals or name in vlans:
            why = "is given twice" if equals else "has no prefix"
            raise DarbanError(
                f"--vlan {text}: the VLAN {why}; expected one --vlan for each VLAN, such as "
                "administration=10.10.0.0/16,fd00:10::/64"
            )
        vlans[name] = NewVlan(name, [_prefix(name, p) for p in prefixes.split(",")], name in open_)
    for name in open_:
        if name not in vlans:
            raise no_such_vlan(name, list(vlans))
    return list(vlans.values())


def _prefix(vlan: str, text: str) -> Network:
    check_digits(text.strip())
    try:
        return ip_network(text.strip())
    except ValueError as error:
        raise DarbanError(
            f"--vlan {vlan}: {error}; expected a prefix such as 10.10.0.0/16"
        ) from None


def _with_port(address: str) -> str:
    """An address to listen on with its port; what it may be is checked with the config."""
    if address.startswith("["):
        return address if "]:" in address else f"{address}:{DNS_PORT}"
    match address.count(":"):
        case 0:
            return f"{address}:{DNS_PORT}"
        case 1:
            return address
        case _:
            return f"[{address}]:{DNS_PORT}"


def _own_addresses(vlans: Iterable[NewVlan]) -> list[str]:
    """The addresses of this host that the kernel would send from to the VLANs' clients.

    Raises:
        DarbanError: there is no route to any of the VLANs.
    """
    addresses = dict.fromkeys(
        _with_port(address)
        for vlan in vlans
        for prefix in vlan.prefixes
        if (address := _address_towards(prefix))
    )
    if not addresses:
        raise DarbanError("this host has no route to the VLANs: say --listen ADDRESS")
    return list(addresses)


def _address_towards(prefix: Network) -> str:
    """The source address for packets to a prefix; empty where there is no route to it."""
    family = socket.AF_INET if prefix.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(prefix[-1 if prefix.num_addresses == 1 else 1]), DNS_PORT))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _lists(path: Path) -> list[str]:
    """The directories of lists: of the installation, or of the checkout; and the agency's own."""
    shipped = shipped_lists()
    if shipped is None:
        raise DarbanError(f"there are no block lists in {INSTALLED_LISTS}: install the lists first")
    own_lists = path.parent / OWN_LISTS
    if not own_lists.is_dir():
        return [str(shipped)]
    return [OWN_LISTS] if own_lists.samefile(shipped) else [str(shipped), OWN_LISTS]


def _schema() -> str:
    """The JSON Schema of a config: of the checkout, or of the installation."""
    of_sources = (directory / "deploy" / "schemas" / "config.json" for directory in SOURCES)
    return str(next((source for source in of_sources if source.is_file()), INSTALLED_SCHEMA))


def _check(path: Path, text: str) -> None:
    """Check the config as ``darban check`` does, and print its warnings.

    Raises:
        DarbanError: it has errors, or an expectation does not hold.
    """
    compiled = checked(path, time.time(), DiskFiles(path, {str(path): text}))
    # There is no file yet whose lines could be looked at.
    problems = [replace(problem, file="darban init", line=None) for problem in compiled.problems]
    if compiled.errors or compiled.failed:
        raise DarbanError("\n".join(map(str, [*problems, *compiled.failed])))
    for problem in problems:
        echo(str(problem))


def _write(path: Path, text: str) -> None:
    try:
        with Folder(path.parent).new_file(path.name) as opened:
            opened.write(text.encode())
    except FileExistsError:  # it was made meanwhile
        _refuse_existing(path)
        raise
    except OSError as error:
        raise DarbanError(f"{path} cannot be written ({error.strerror})") from None


def _next_steps(path: Path, vlans: Sequence[NewVlan], address: str) -> Sequence[str]:
    """The three things to do next; the server has the config once the second is done."""
    explain = f"darban explain {vlans[0].name} web.telegram.org --config {path}"
    return (
        f"See how a name is answered:       {explain}",
        f"Serve it:                         {_how_to_serve(path)}",
        f"Ask it from a client of a VLAN:   {_dig(vlans, address)}",
    )


def _how_to_serve(path: Path) -> str:
    """The command that serves the file; a reload would refuse its other addresses to listen on."""
    absolute = path.absolute()
    if absolute.parent != SYSTEM.parent:
        return f"darban run --config {path}"
    put = "" if absolute == SYSTEM else f"mv -T --backup --suffix=.old {absolute} {SYSTEM} && "
    return f"{put}systemctl restart darban"


def _dig(vlans: Sequence[NewVlan], address: str) -> str:
    """How a client of the first VLAN asks the server.

    Only this host reaches a loopback address: it asks as a client, if that is one, too.
    """
    host, _, port = address.rpartition(":")
    server = ip_address(host.strip("[]"))
    prefixes = [prefix for vlan in vlans for prefix in vlan.prefixes]
    candidates = (client_of(prefix, prefixes) for prefix in vlans[0].prefixes)
    client = next(
        (
            candidate
            for candidate in candidates
            if candidate and candidate.version == server.version
        ),
        None,
    )
    words = ["dig", f"@{server}"]
    if client and client.is_loopback and server.is_loopback:
        words += ["-b", str(client)]
    if port != str(DNS_PORT):
        words += ["-p", port]
    return " ".join([*words, "web.telegram.org"])
