"""What a look-up shows of an explanation: in English as ``darban explain``, or in Persian.

What a person types or looks for elsewhere stays as it is: rules, files, addresses, and what the
client receives, which is as dig shows it.
"""

from collections.abc import Mapping
from datetime import datetime, tzinfo

from markupsafe import Markup

from resolver.analysis.explanation import Explanation
from resolver.web.formatting import Formatting
from resolver.web.rendering import messages
from resolver.web.titles import Titles


def facts(
    explanation: Explanation, titles: Titles, language: str, zone: tzinfo | None
) -> dict[str, str]:
    """The facts of an explanation by their headings; both may be HTML (``Markup``).

    ``zone`` is the time zone of moments; None for this host's.
    """
    if language != "fa":
        return explanation.facts()
    persian = _Persian(titles, zone)
    return {
        persian.heading(key): (
            persian.step(explanation) if key == "decided by" else persian.value(key, text)
        )
        for key, text in explanation.facts().items()
    }


class _Persian:
    """Values of an explanation in Persian."""

    def __init__(self, titles: Titles, zone: tzinfo | None) -> None:
        self._titles = titles
        self._formatting = Formatting("fa", zone)
        self._messages: Mapping[str, Markup] = messages("fa")
        explanation = messages("fa")["explanation"]
        self._headings: Mapping[str, str] = explanation["headings"]
        self._values: Mapping[str, str] = explanation["values"]
        self._steps: Mapping[str, Markup] = explanation["steps"]

    def heading(self, key: str) -> str:
        """A heading by the English one."""
        return self._headings[key]

    def value(self, key: str, text: str) -> str:
        """A value by its English heading."""
        match key:
            case "vlan":
                return self._values.get(text) or self._titles.vlan(text)
            case "policy":
                return self._titles.policy(text)
            case "service":
                return self._titles.service(text)
            case "line" | "directive":
                return self._formatting.digits(text)
            case "hours" | "blocked" | "counted":
                return self._messages["comma"].join(map(self._hours, text.split(", ")))
            case "until":
                return self._formatting.moment(datetime.fromisoformat(text).timestamp())
            case "targets" | "receives":
                return self._values.get(text, text)
            case _:
                return text

    def step(self, explanation: Explanation) -> str:
        """The step that decided."""
        step = explanation.decided_by
        values = {key: self.value(key, text) for key, text in step.values.items()}
        return self._steps[step.kind].format(**values)

    def _hours(self, text: str) -> str:
        """Hours as ``BlockingHours`` writes them: ``within office``."""
        kind, _, name = text.partition(" ")
        return self._messages["outside" if kind == "outside" else "within"].format(hours=name)
