"""When an address asked the server last, and since when the server remembers."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from resolver.cli.command import echo
from resolver.cli.default_config import default_config
from resolver.cli.moments import minute_text
from resolver.cli.server import ServerRefused, ask
from resolver.config.values import parse_address
from resolver.supervisor.control_client import Unreachable


def last_query(who: str | None) -> Mapping[str, Any] | None:
    """``last`` (None for no query) and ``since``, when the memory begins, as texts for --json.

    None for a client that is no address, or where the server does not say it.
    """
    if who is None or parse_address(who) is None:
        return None
    try:
        return ask(default_config(), "last-query", address=who)
    except (ServerRefused, Unreachable) as error:  # a reload may hold its workers for long
        echo(f"not known when {who} asked this server last: {error}", err=True)
        return None


def last_query_facts(asked: Mapping[str, Any]) -> dict[str, str]:
    """The same for a person, as texts by their headings."""
    begins = _shown(asked["since"])
    if asked["last"] is None:
        return {"asked": f"not since {begins}, when this server's memory begins"}
    last = _shown(asked["last"])
    if asked["last"] < asked["since"]:
        return {
            "asked": f"at {last}, and not since the memory begins",
            "memory": f"begins at {begins}",
        }
    return {"asked": f"last at {last}", "memory": f"begins at {begins}"}


def _shown(moment: str) -> str:
    return minute_text(dt.datetime.fromisoformat(moment).timestamp())
