"""``darban status``: counts, upstreams, cache and exemptions of the running server."""

import contextlib
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

from resolver.cli.command import AsJson, Config, print_json
from resolver.cli.server import ask, read_status
from resolver.cli.status_view import draw, draw_unknown_clients, page
from resolver.policy.unknown_clients import UnknownClients

_INTERVAL = 1.0
_QUIT = (b"q", b"\x03")
_NEXT_PAGE = b" "

Once = Annotated[bool, typer.Option("--once", help="print once, also in a terminal")]
Unknown = Annotated[
    bool, typer.Option("--unknown", help="show instead which clients are refused most")
]


def status(
    *, once: Once = False, unknown: Unknown = False, as_json: AsJson = False, config: Config
) -> int:
    """Show queries, blocks, upstreams and exemptions.

    In a terminal the view is drawn again each second until q or Ctrl-C is pressed; space shows
    the next page of a view that is too high. Elsewhere it is printed once. Exits with 3 where
    no server can be reached.

        darban status

        darban status --unknown

        darban status --json | jq .vlans
    """
    if unknown:
        _unknown_clients(config, as_json)
    elif as_json:
        print_json(ask(config, "status"))
    elif once or not (sys.stdout.isatty() and sys.stdin.isatty()):
        console = Console()
        console.print(draw(read_status(config), None, console.width))
    else:
        _live(config)
    return 0


def _unknown_clients(config: Path, as_json: bool) -> None:
    clients = TypeAdapter(UnknownClients).validate_python(ask(config, "unknown"))
    if as_json:
        refused = [{"prefix": prefix, "refused": times} for prefix, times in clients.prefixes]
        print_json({"prefixes": refused, "missed": clients.missed})
    else:
        Console().print(draw_unknown_clients(clients))


def _live(config: Path) -> None:
    """Draw the status each second, until q or Ctrl-C; a page of it where it is too high."""
    console = Console()
    before, now, top = None, read_status(config), 0
    with (
        contextlib.suppress(KeyboardInterrupt),  # another process may send SIGINT
        _keys_at_once(),
        Live(console=console, screen=True, auto_refresh=False) as live,
    ):
        while True:
            lines = console.render_lines(draw(now, before, console.width), pad=False)
            top = top if top < len(lines) else 0
            live.update(page(lines, console.height, top), refresh=True)
            pressed = _pressed_within(_INTERVAL)
            if any(key in pressed for key in _QUIT):
                return
            if _NEXT_PAGE in pressed:
                top += console.height - 1
                continue
            before, now = now, read_status(config)


@contextlib.contextmanager
def _keys_at_once() -> Iterator[None]:
    """Read keys as they are pressed; restore the terminal at the end.

    Ctrl-C is a key like the others: as a signal it could come while the screen is drawn, and be
    lost.
    """
    keyboard = sys.stdin.fileno()
    usual = termios.tcgetattr(keyboard)
    tty.setcbreak(keyboard)
    plain = termios.tcgetattr(keyboard)
    plain[tty.LFLAG] &= ~termios.ISIG
    termios.tcsetattr(keyboard, termios.TCSANOW, plain)
    try:
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSANOW, usual)


def _pressed_within(seconds: float) -> bytes:
    """The keys that are pressed within some seconds; q where the terminal is closed."""
    keyboard = sys.stdin.fileno()
    ready, _, _ = select.select([keyboard], [], [], seconds)
    if not ready:
        return b""
    return os.read(keyboard, 64).lower() or b"q"
