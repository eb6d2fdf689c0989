"""``darban reload``: put the config in force in the running server, or show why not."""

from pathlib import Path

import typer

from resolver.cli.command import AsJson, Config, print_json
from resolver.cli.default_config import config_path
from resolver.cli.server import PATIENCE, ask
from resolver.supervisor import control


def reload(config: Config = None, as_json: AsJson = False) -> int:
    """Put the config in force as it is now, without losing a query.

    The whole config is checked first, with its expectations. If anything is wrong, the policy
    in force stays, and the report says what is wrong. When this returns with 0, every answer
    is by the new config.

    Exits with 1 where an expectation does not hold, 2 where the config has errors or needs a
    restart, 3 where no server can be reached.

        darban reload --config /etc/darban/config.toml
    """
    path = config_path(config)
    answer = ask(path, "reload", PATIENCE)
    if as_json:
        print_json(answer)
    else:
        typer.echo(result_text(path, answer))
    return int(str(answer["code"]))


def result_text(path: Path, answer: control.Answer) -> str:
    """The result of a reload, in words."""
    report = answer["report"]
    assert isinstance(report, list), "the server answers with a list"
    result = _RESULTS[str(answer["result"])].format(snapshot=answer["snapshot"])
    return "\n".join([*map(str, report), f"{path}: {result}"])


_RESULTS = {
    "applied": "in force, snapshot {snapshot}",
    "unchanged": "nothing has changed, snapshot {snapshot} is in force",
    "refused": "not put in force, an expectation does not hold; snapshot {snapshot} stays",
    "invalid": "not put in force, it has errors; snapshot {snapshot} stays",
    "needs_restart": "not put in force, it needs a restart; snapshot {snapshot} stays",
    "failed": "not put in force, the reload failed; snapshot {snapshot} stays",
}
