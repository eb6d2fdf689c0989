"""What ``darban status`` draws of a status."""

from rich.console import Console

from resolver.cli.status_view import draw
from resolver.metrics.status import (
    Status,
)


def drawn(now: Status, width: int) -> str:
    console = Console(width=width, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(draw(now, width))
    return capture.get()
