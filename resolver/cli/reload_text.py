"""The result of a reload, as text."""

from pathlib import Path

from resolver.cli.server import answer_text
from resolver.metrics.part import Answer


def result_text(path: Path, answer: Answer) -> str:
    """The result of a reload, in words."""
    return answer_text(path, answer, _RESULTS)


_RESULTS = {
    "applied": "in force, snapshot {snapshot}",
    "unchanged": "nothing has changed, snapshot {snapshot} is in force",
    "refused": "not put in force, an expectation does not hold; snapshot {snapshot} stays",
    "held": "not put in force before a person accepts it (--accept); snapshot {snapshot} stays",
    "invalid": "not put in force, it has errors; snapshot {snapshot} stays",
    "needs_restart": "not put in force, it needs a restart; snapshot {snapshot} stays",
    "failed": "not put in force, the reload failed; snapshot {snapshot} stays",
}
