"""Questions to the running server of a config."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from resolver import DarbanError
from resolver.cli.progress import progress
from resolver.compiler.compilation_result import PolicyInForce
from resolver.metrics.part import Answer
from resolver.metrics.status import Status
from resolver.supervisor import control_client
from resolver.system.log import escaped

PATIENCE = 600.0
"""Seconds to wait for a reload or an update: a million names take long to fetch and compile."""
_PATIENCE = 5.0
_STEPS = {
    "reload": "the server compiles the config",
    "activate": "the server compiles the config",
    "pull": "the server pulls the policy, and compiles it",
    "update-lists": "the server fetches the lists, and compiles what has changed",
}
"""What a server does for a command that takes long."""
RELOADED = {
    "applied": "in force, snapshot {snapshot}",
    "unchanged": "nothing has changed for clients, snapshot {snapshot} is in force",
    "refused": "not put in force, an expectation does not hold; snapshot {snapshot} stays",
    "held": "not put in force before a person accepts it (--accept); snapshot {snapshot} stays",
    "invalid": "not put in force, it has errors; snapshot {snapshot} stays",
    "needs_restart": "not put in force, it needs a restart; snapshot {snapshot} stays",
    "failed": "not put in force, the reload failed; snapshot {snapshot} stays",
}


class ServerRefused(DarbanError):
    """The server answers that it does not carry out a command; the message says why."""


def ask(config: Path, command: str, patience: float = _PATIENCE, **arguments: object) -> Answer:
    """The answer of a config's server to a command, to be shown; ``patience`` is in seconds.

    Raises:
        Unreachable: no server answers.
        ServerRefused: the server answers with an error.
    """
    answer: Answer = _escaped(_ask(config, command, patience, arguments))
    return answer


def _escaped(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A JSON value whose texts can be printed: another program may answer on the socket."""
    if isinstance(value, dict):
        return {escaped(key): _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return escaped(value) if isinstance(value, str) else value


def _ask(config: Path, command: str, patience: float, arguments: Mapping[str, object]) -> Answer:
    with progress(_STEPS.get(command, f"waiting for the server of {config}")):
        answer = control_client.ask(config, {"command": command, **arguments}, patience)
    if "error" in answer:
        raise ServerRefused(str(answer["error"]))
    return answer


def answer_text(config: Path, answer: Answer, results: Mapping[str, str]) -> str:
    """The report that an answer has, and its result in the words that ``results`` has for it."""
    result = results[answer["result"]].format_map(answer)
    return "\n".join([*answer["report"], f"{config}: {result}"])


def reload_text(config: Path, answer: Answer) -> str:
    """The result of a reload, in words."""
    return answer_text(config, answer, RELOADED)


def read_status(config: Path) -> Status:
    """The status of a config's server.

    Raises:
        Unreachable: no server answers, or a server of another version.
    """
    answer = ask(config, "status")
    try:
        return TypeAdapter(Status).validate_python(answer)
    except ValidationError:
        raise control_client.Unreachable(
            f"the server of {config} has another version ({answer.get('version')}) than this "
            "command; restart it"
        ) from None


def policy_in_force(config: Path) -> PolicyInForce:
    """What a config's server has in force, with its texts.

    Raises:
        Unreachable: no server answers.
    """
    return TypeAdapter(PolicyInForce).validate_python(_ask(config, "in-force", _PATIENCE, {}))


def hash_in_force(config: Path) -> str:
    """The hash of the snapshot that a config's server has in force.

    Raises:
        Unreachable: no server answers.
    """
    return str(ask(config, "status").get("hash"))
