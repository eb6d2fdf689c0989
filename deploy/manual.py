"""Prints the manual page darban(8), which is made from the commands.

`make man` shows it; `make install` installs it.
"""

import sys
from collections.abc import Iterator

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from resolver import __version__
from resolver.cli.app import app
from resolver.cli.command import CONFIG_HELP, JSON_HELP

_HEAD = """\
.TH DARBAN 8 "" "darban {version}" "System Administration"
.SH NAME
darban \\- a DNS resolver that enforces a network's messenger policy by VLAN
.SH SYNOPSIS
.B darban
.I COMMAND
[\\fIOPTIONS\\fR]
.SH DESCRIPTION
Darban blocks foreign messengers on an agency's administrative VLANs, permits them on its
publicity VLANs, and shows people and operators why. The policy is one file, config.toml, in
which every client belongs to a VLAN by its address and every VLAN has a policy.
.PP
A command is about one config and its server:
.I /etc/darban/config.toml
if it exists, else
.I config.toml
in the current directory, unless \\fB\\-\\-config\\fR names another.
"""

_COMMON = {"--config": CONFIG_HELP, "--json": JSON_HELP}
"""Options of most commands, which the page explains once."""

_TAIL = """\
.SH EXIT STATUS
.TP
.B 0
all is well
.TP
.B 1
the answer is no: the name is blocked, an expectation does not hold, the policies differ
.TP
.B 2
a mistake in the config or the usage
.TP
.B 3
no server can be reached
.TP
.B 4
not checkable: what a check needs is not kept any more, or is still to come
.SH FILES
.TP
.I /etc/darban/config.toml
the config; reference.toml of the documents has every key with its default
.TP
.I /etc/darban/blocklists
the agency's own lists, which add to those of the release
.TP
.I /usr/share/darban/blocklists
the lists that come with Darban
.TP
.I /var/lib/darban
snapshots of the policy, and the control socket
.TP
.I /usr/share/doc/darban
the documents, with the Debian package
.TP
.I /usr/lib/darban
the program, with the Debian package
.TP
.I /opt/darban/current
the release in use, with \\fBmake install\\fR
.SH ENVIRONMENT
.TP
.B STATE_DIRECTORY
where state is kept instead of /var/lib/darban, or of .darban beside a config that is not below
/etc/darban
.SH SEE ALSO
.BR dig (1),
.BR systemd.service (5),
.BR resolv.conf (5)
"""


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def _prose(text: str) -> Iterator[str]:
    """The paragraphs of a docstring; an indented one is an example."""
    for paragraph in text.strip().split("\n\n"):
        lines = paragraph.splitlines()
        if lines[0].startswith("    "):
            yield from (".PP", ".RS 4", ".nf")
            yield from (_escaped(line.strip()) for line in lines)
            yield from (".fi", ".RE")
        else:
            yield ".PP"
            yield from (_escaped(line.strip()) for line in lines)


def _option(parameter: TyperOption | TyperArgument, context: typer.Context) -> Iterator[str]:
    name, _ = parameter.get_help_record(context) or ("", "")
    yield ".TP"
    yield f".B {_escaped(name)}"
    yield _escaped(" ".join((parameter.help or "").split())) or "\\&"


def _section(command: TyperGroup | TyperCommand, context: typer.Context) -> Iterator[str]:
    """A command, or each of the commands below it."""
    if isinstance(command, TyperGroup):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from _section(below, typer.Context(below, context, name))
        return
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_escaped(context.command_path)} {_escaped(usage)}"
    yield from _prose(command.help or "")
    common = []
    for parameter in command.get_params(context):
        [name] = parameter.opts[:1]
        if _COMMON.get(name) == parameter.help:
            common.append(name)
        elif name != "--help" and not getattr(parameter, "hidden", False):
            yield from _option(parameter, context)
    if common:
        yield from (".PP", _escaped(f"Also {', '.join(common)}."))


def manual() -> str:
    """The page's source."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="darban")
    options = [
        line for parameter in command.get_params(context) for line in _option(parameter, context)
    ]
    options += [".PP", "Every command has \\-\\-help. Most have these, and only name them:"]
    for option, text in _COMMON.items():
        options += [".TP", f".B {_escaped(option)}", _escaped(text)]
    lines = "\n".join([".SH OPTIONS", *options, ".SH COMMANDS", *_section(command, context)])
    return f"{_HEAD.format(version=__version__)}{lines}\n{_TAIL}"


if __name__ == "__main__":
    sys.stdout.write(manual())
