"""``darban export``: the configs of other programs, for the policy of this config."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Annotated

import typer

from resolver import DarbanError
from resolver.cli.command import Config, echo
from resolver.cli.export_programs import FEEDS, NFTABLES, PRINTED, SEVERAL, Files, nftables_rules
from resolver.cli.policies import compile_valid, with_misfits
from resolver.compiler.compilation import CompileResult
from resolver.config.values import check_digits
from resolver.publish.enforcers import Enforcer, Fit
from resolver.publish.nftables import REJECT
from resolver.system.files import make_directory
from resolver.system.folder import Folder

Program = Annotated[
    str,
    typer.Argument(
        metavar="PROGRAM",
        help="knot: serves the policy's zones; nftables: rejects the address ranges of services; "
        "dnsdist-front: DNS over TLS and HTTPS, and balancing; "
        "bind, unbound, powerdns: enforce the policy themselves; "
        "feeds: address lists by service, for firewalls that fetch them",
    ),
]
To = Annotated[
    Path | None, typer.Option("--to", help="the directory for a program that needs several files")
]


DnsServer = Annotated[
    list[str] | None,
    typer.Option(
        "--dns-server",
        metavar="ADDRESS",
        help="for nftables: a server that restricted clients may ask (may be repeated); ports 53 "
        "and 853 of all others are rejected",
    ),
]


def export(
    program: Program,
    *,
    config: Config,
    to: To = None,
    dns_server: DnsServer = None,
) -> int:
    """Print the config of another program for this policy.

    Reads the config on disk, and needs no server. With --to, and for nftables, it writes nothing
    and exits with 1 where an expectation does not hold. The export for nftables says until when it
    is valid, if an exemption or hours begin or end later. Name every server with --dns-server: each
    node, and the domain controllers.

        darban export knot > /etc/knot/knot.conf

        darban export nftables --dns-server 10.0.0.53 --dns-server fd00::53

        darban export dnsdist-front > /etc/dnsdist/dnsdist.conf

        darban export bind --to /etc/bind

        darban export feeds --to /srv/feeds
    """
    servers = list(map(_address, dns_server or ()))
    if servers and program != NFTABLES:
        raise DarbanError(f"--dns-server is for {NFTABLES}; found {program}")
    if program in SEVERAL:
        if to is None:
            raise DarbanError(f"{program} needs several files; expected --to DIRECTORY")
        files = SEVERAL[program](_compiled(config, program).snapshot, config)
        _write(files, to, is_private=program == FEEDS)
    elif program in PRINTED:
        if to is not None:
            raise DarbanError(f"{program} needs one file, which is printed; found --to {to}")
        snapshot = _compiled(config, program).snapshot
        if program == NFTABLES:
            text = nftables_rules(snapshot, config, servers)
            if REJECT not in text:
                echo("these rules reject nothing: no policy blocks anything now", err=True)
        else:
            text = PRINTED[program](snapshot, config)
        echo(text.rstrip("\n"))
    else:
        known = ", ".join([*PRINTED, *SEVERAL])
        raise DarbanError(f"found the program '{program}'; expected one of {known}")
    return 0


def _address(text: str) -> IPv4Address | IPv6Address:
    check_digits(text)
    try:
        return ip_address(text)
    except ValueError:
        raise DarbanError(
            f"--dns-server: found {text}; expected an address such as 10.0.0.53"
        ) from None


def _compiled(config: Path, program: str) -> CompileResult:
    """The compiled config for a program; what is not stricter there was said on standard error.

    Raises:
        DarbanError: an expectation fails.
    """
    compiled = compile_valid(config)
    if program not in [*Enforcer]:
        return compiled
    compiled.check()  # an engine takes these files though the server refuses the policy
    enforcer, count = Enforcer(program), len(compiled.problems)
    for problem in with_misfits(compiled, enforcer, Fit.LOOSER, Fit.OTHERWISE).problems[count:]:
        echo(str(problem), err=True)
    return compiled


def _write(files: Files, directory: Path, *, is_private: bool) -> None:
    """Write each file that has changed, aside, and rename it; no link in the directory is followed.

    A program reads what is not private as a user of its own. Feeds are: they tell who is exempted.
    """
    mode, is_there = 0o640 if is_private else 0o644, directory.is_dir()
    folder = Folder(directory if is_there else directory.parent)
    try:
        make_directory(folder.path)
        for name, content in files.items():
            if folder.put(name if is_there else f"{directory.name}/{name}", content, mode):
                echo(f"wrote {directory / name}")
    except OSError as error:
        raise DarbanError(f"{error.filename or directory}: {error.strerror or error}") from None
