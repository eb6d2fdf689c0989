"""``darban status``: how the running server stands."""

import contextlib
import json
import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter
from rich.console import Console
from rich.live import Live

from resolver.cli.asking import ask, read_status
from resolver.cli.place import config_path
from resolver.cli.status_view import draw, draw_strangers
from resolver.policy.unknown_clients import UnknownClients
from resolver.supervisor import control

_UNREACHABLE = 3
_INTERVAL = 1.0
_QUIT = (b"q", b"\x03")
_LOCAL_FLAGS = 3
"""Where termios has them among its attributes."""

Once = Annotated[bool, typer.Option("--once", help="print once, also in a terminal")]
Unknown = Annotated[bool, typer.Option("--unknown", help="tell who is refused most instead")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object")]
Config = Annotated[Path | None, typer.Option("--config", help="the config of the server")]


def status(
    once: Once = False, unknown: Unknown = False, as_json: AsJson = False, config: Config = None
) -> None:
    """Show queries, blocks by VLAN and service, upstreams, cache and exemptions.

    In a terminal it goes on until q or Ctrl-C is pressed; elsewhere it prints once. Exits
    with 3 where no server can be reached.

        darban status

        darban status --unknown

        darban status --json | jq .vlans
    """
    path = config_path(config)
    try:
        if unknown:
            _strangers(path, as_json)
        elif as_json:
            _print_json(ask(path, "status"))
        elif once or not (sys.stdout.isatty() and sys.stdin.isatty()):
            console = Console()
            console.print(draw(read_status(path), None, console.width))
        else:
            _live(path)
    except control.Unreachable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_UNREACHABLE) from None


def _strangers(config: Path, as_json: bool) -> None:
    answer = ask(config, "unknown")
    strangers = TypeAdapter(UnknownClients).validate_python(answer)
    if as_json:
        told = [{"prefix": prefix, "refused": times} for prefix, times in strangers.prefixes]
        _print_json({"prefixes": told, "missed": strangers.missed})
    else:
        Console().print(draw_strangers(strangers))


def _print_json(answer: control.Answer) -> None:
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))


def _live(config: Path) -> None:
    """Draw anew each second, until q or Ctrl-C."""
    console = Console()
    before, now = None, read_status(config)
    with (
        contextlib.suppress(KeyboardInterrupt),  # sent by another process
        _keys_at_once(),
        Live(console=console, screen=True, auto_refresh=False) as live,
    ):
        while True:
            live.update(draw(now, before, console.width), refresh=True)
            if _quit_within(_INTERVAL):
                return
            before, now = now, read_status(config)


@contextlib.contextmanager
def _keys_at_once() -> Iterator[None]:
    """Let keys come as they are pressed, and leave the terminal as it was.

    Ctrl-C is a key like the others: as a signal it could come, and be lost, in the middle of
    whatever is being drawn.
    """
    keyboard = sys.stdin.fileno()
    usual = termios.tcgetattr(keyboard)
    tty.setcbreak(keyboard)
    plain = termios.tcgetattr(keyboard)
    plain[_LOCAL_FLAGS] &= ~termios.ISIG
    termios.tcsetattr(keyboard, termios.TCSANOW, plain)
    try:
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSANOW, usual)


def _quit_within(seconds: float) -> bool:
    """Whether q or Ctrl-C is pressed, or the terminal goes away, within some seconds."""
    keyboard = sys.stdin.fileno()
    ready, _, _ = select.select([keyboard], [], [], seconds)
    if not ready:
        return False
    pressed = os.read(keyboard, 64)
    return not pressed or any(key in pressed.lower() for key in _QUIT)
