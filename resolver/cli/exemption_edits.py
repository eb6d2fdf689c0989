"""The edits of ``darban exempt``: each puts a config with other exemptions in force."""

import datetime as dt
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

from resolver import DarbanError
from resolver.cli.activation import activate, write
from resolver.cli.moments import moment_text
from resolver.cli.policy_text import exemption_text
from resolver.cli.server import policy_in_force, reload_text
from resolver.compiler.compilation_result import PolicyInForce
from resolver.compiler.exemption import EditedConfig, ExemptionEdit
from resolver.config.exemption_toml import unused_id
from resolver.metrics.part import Answer
from resolver.policy.compiled import CompiledConfig
from resolver.policy.exemption_details import ExemptionDetails, comparable, exemption_details
from resolver.policy.exemption_overlap import StillExempted, repeats, still_exempted
from resolver.policy.moment import ended
from resolver.publish.client_prefixes import passing_prefixes
from resolver.supervisor import control_client
from resolver.system.english import some_text

_SHOWN = 10
"""Exemptions, clients and services that are named of those that go on."""


_ID = "its id is {}: all letters of an id are Latin; --id gives a new exemption another id"


class Edited(NamedTuple):
    """What an edit has done on this node."""

    code: int
    lines: Sequence[str]
    """What to show."""
    shown: Mapping[str, object]
    """What --json has."""
    words: Sequence[str]
    """The same edit for another node, after ``darban exempt``."""


class ExemptionEdits:
    """One edit of the exemptions of a config; each method makes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._in_force: PolicyInForce | None = None
        with suppress(control_client.Unreachable):  # where no server runs, the config is written
            self._in_force = policy_in_force(path)
        self._edit = ExemptionEdit(path, self._in_force)
        self._known = {
            exemption.id: exemption for exemption in exemption_details(self._edit.compiled)
        }

    @property
    def nodes(self) -> Sequence[str]:
        """The other nodes of the pair, as the config names them."""
        return self._edit.nodes

    def give(
        self, whom: str, services: Sequence[str], given: Mapping[str, object], id_: str | None
    ) -> Edited:
        """Add an exemption. Where its id is there with the same content, nothing is done."""
        clients = self._edit.clients(whom)
        unused = unused_id(str(given["ticket"]), self._known)
        new = unused if id_ is None or id_ in self._known else id_
        edited = self._edit.add({"id": new, **clients, "services": services, **given})
        by_id = {details.id: details for details in exemption_details(edited.compiled)}
        details = by_id[new]
        known, chosen = self._known.get(id_ or "") or self._repeated(details), id_ is not None
        id_ = known.id if known else new
        moments = {key: str(given[key]) for key in ("from", "until") if key in given}
        about = {"id": id_, **clients, "services": services, **given, **moments}
        shown = {"exemption": about}
        prefixes = clients.get("prefixes")
        named = prefixes if isinstance(prefixes, list) else None
        words = [",".join(named or [whom]), *services, *_options({"id": id_, **given})]
        if known:
            return self._given_already(known, details, shown, words)
        begin = f"from {_moment(given['from'])} " if "from" in given else ""
        within = f" within {given['hours']}" if "hours" in given else ""
        said = (
            f"exemption {id_} is written: {', '.join(services)} for "
            f"{', '.join(named) if named else f'VLAN {whom}'} "
            f"{begin}until {_moment(given['until'])}{within}, "
            f"approved by {given['approver']} ({given['ticket']})"
        )
        hint = [] if chosen or not _has_other_letters(str(given["ticket"])) else [_ID.format(id_)]
        return self._activate(edited, "exempt", [said, *hint], shown, words)

    def _repeated(self, given: ExemptionDetails) -> ExemptionDetails | None:
        """The exemption that permits the same, for the same ticket, at a time of a new one."""
        now = time.time()
        running = (known for known in self._known.values() if not ended(known.until, now))
        return next((known for known in running if repeats(known, given)), None)

    def _given_already(
        self,
        known: ExemptionDetails,
        given: ExemptionDetails,
        shown: Mapping[str, object],
        words: Sequence[str],
    ) -> Edited:
        """Say that the config has an exemption already.

        Raises:
            DarbanError: the one that is there has another content.
        """
        if comparable(replace(given, id=known.id)) == comparable(known):
            said = f"exemption {exemption_text(known)}: the config has it already"
            return self._unchanged(said, shown, words)
        another = "" if repeats(known, given) else "Another one needs another --id; "
        raise DarbanError(
            f"there is already an exemption {exemption_text(known)}. {another}--extend {known.id} "
            f"lets it end later, --end {known.id} ends it; the config stays as it is"
        )

    def extend(self, id_: str, end: dt.datetime, about: Mapping[str, str]) -> Edited:
        """Let an exemption end later. Where it does already, nothing is done."""
        edited = self._edit.change(id_, {"until": end, **about})
        before = self._known[id_]
        after = ExemptionDetails(**{**asdict(before), **about, "until": end.timestamp()})
        words = ["--extend", id_, *_options({"until": end, **about})]
        shown = {"exemptions": [after]}
        if comparable(after) == comparable(before):
            said = f"exemption {exemption_text(before)}: nothing to change"
            return self._unchanged(said, shown, words)
        if after.until <= before.until:
            raise DarbanError(
                f"exemption {id_} lasts until {moment_text(before.until)}, which is not before "
                f"{_moment(end)}; --extend takes a later end, --end ends it now"
            )
        said = f"exemption {exemption_text(after)}; it was until {moment_text(before.until)}"
        return self._activate(edited, "exempt --extend", [said], shown, words)

    def end(self, id_: str, *, is_there: bool = True) -> Edited:
        """Remove an exemption; ``is_there``: it is a mistake where there is none."""
        words = ["--end", id_]
        if id_ not in self._known and not is_there:
            said = f"there is no exemption '{id_}'; nothing to end"
            return self._unchanged(said, {"exemptions": []}, words)
        edited, now = self._edit.remove([id_]), time.time()
        still = [*still_exempted(self._edit.compiled, id_, now)]
        removed = self._known[id_]
        lines = [_removed_text(removed), *_still_texts(still, now)]
        by_others = [shared._asdict() for shared in still]
        shown = {"exemptions": [removed], "still_exempted": by_others}
        return self._activate(edited, "exempt --end", lines, shown, words)

    def prune(self) -> Edited:
        """Remove the exemptions that have ended."""
        now, words = time.time(), ["--prune"]
        to_remove = [
            exemption.id for exemption in self._known.values() if ended(exemption.until, now)
        ]
        if not to_remove:
            said = "no exemption has ended; nothing to remove"
            return self._unchanged(said, {"exemptions": []}, words)
        edited = self._edit.remove(to_remove)
        removed = [self._known[known] for known in to_remove]
        lines = [*map(_removed_text, removed)]
        return self._activate(edited, "exempt --prune", lines, {"exemptions": removed}, words)

    def _unchanged(self, said: str, shown: Mapping[str, object], words: Sequence[str]) -> Edited:
        return self._edited([f"{self._path}: {said}"], {**shown, "warnings": []}, words, None)

    def _activate(
        self,
        edited: EditedConfig,
        event: str,
        said: Sequence[str],
        shown: Mapping[str, object],
        words: Sequence[str],
    ) -> Edited:
        """Put the edited config in force, or write it where no server runs."""
        path, answer, code = self._path, None, 0
        warnings = [*edited.warnings, *self._new_gaps(edited.compiled)]
        if self._in_force is not None:
            answer = activate(path, edited.texts, event, self._in_force.snapshot)
            code = int(answer["code"])
            # without an error, the warnings of its report are among ``warnings``
            result = reload_text(path, answer if code else {**answer, "report": []})
        else:
            write(path, edited.texts)
            result = "no server runs; this will be in force when one is started, or pulls it"
        written = [f"{path} is as it was"] if code else [f"{path}: {line}" for line in said]
        lines = [*warnings, *([result, *written] if code else [*written, result])]
        return self._edited(lines, {**shown, "warnings": warnings}, words, answer)

    def _edited(
        self,
        lines: Sequence[str],
        shown: Mapping[str, object],
        words: Sequence[str],
        answer: Answer | None,
    ) -> Edited:
        code = 0 if answer is None else int(answer["code"])
        return Edited(code, lines, {**shown, "config": str(self._path), "reload": answer}, words)

    def _new_gaps(self, after: CompiledConfig) -> list[str]:
        """What the edit adds that zones for other resolvers do not have."""
        if after.settings.publish is None:
            return []
        now = time.time()
        known = passing_prefixes(self._edit.compiled, now).gaps
        new = [gap for gap in passing_prefixes(after, now).gaps if gap not in known]
        return [f"{self._path}: not in the zones: {gap}" for gap in new]


def _has_other_letters(ticket: str) -> bool:
    """Whether a ticket has letters that no id has."""
    return any(char.isalpha() and not char.isascii() for char in ticket)


def _removed_text(exemption: ExemptionDetails) -> str:
    return f"removed: {exemption_text(exemption)}"


def _still_texts(still: Sequence[StillExempted], now: float) -> Iterator[str]:
    """Who has which services by another exemption, now or later; of many, the first."""
    for shared in still[:_SHOWN]:
        when = "later" if shared.by.begins > now else "still"
        whom = some_text(shared.clients[:_SHOWN], len(shared.clients))
        services = some_text(shared.services[:_SHOWN], len(shared.services))
        yield f"{when} exempted: {services} for {whom}, by {exemption_text(shared.by)}"
    if len(still) > _SHOWN:
        yield f"so by {len(still) - _SHOWN:,} more exemptions; --json has them"


def _moment(value: object) -> str:
    """A moment, to be read."""
    return moment_text(value.timestamp()) if isinstance(value, dt.datetime) else str(value)


def _options(given: Mapping[str, object]) -> list[str]:
    """Fields of an exemption as options of the command line, each moment with its offset."""
    texts = (
        (key, value.isoformat() if isinstance(value, dt.datetime) else str(value))
        for key, value in given.items()
    )
    return [word for key, text in texts for word in (f"--{key}", text)]
