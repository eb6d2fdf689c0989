"""What the running server says of itself, for several commands."""

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from resolver.metrics.status import Status
from resolver.supervisor import control


def ask(config: Path, command: str) -> control.Answer:
    """What the server of a config answers to a command that needs nothing else.

    Raises:
        Unreachable: no server answers, or it does not know the command.
    """
    answer = control.ask(config, {"command": command})
    if "error" in answer:
        raise control.Unreachable(f"the server of {config} says: {answer['error']}")
    return answer


def read_status(config: Path) -> Status:
    """How the server of a config stands.

    Raises:
        Unreachable: no server answers, or one of a version that says it in another way.
    """
    answer = ask(config, "status")
    try:
        return TypeAdapter(Status).validate_python(answer)
    except ValidationError:
        raise control.Unreachable(
            f"the server of {config} is of another version ({answer.get('version')}) than this "
            "command; restart it"
        ) from None
