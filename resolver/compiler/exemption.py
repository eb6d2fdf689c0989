"""Add, change and remove exemptions of a config, for ``darban exempt``.

The edited config is compiled, and its expectations are run, before anything changes.
"""

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import NamedTuple

from resolver import DarbanError
from resolver.compiler.compilation import CompileResult, compile_file
from resolver.compiler.compilation_result import WRONG_CONFIG, PolicyInForce, Rejected
from resolver.compiler.edits import edited_files
from resolver.config.exemption_toml import add_exemption, change_exemption, remove_exemptions
from resolver.config.problems import Problem, did_you_mean
from resolver.config.values import check_digits
from resolver.policy.compiled import CompiledConfig
from resolver.policy.exemption_details import permits_anything
from resolver.snapshot.config_files import DiskFiles, Texts, difference, differing


class EditedConfig(NamedTuple):
    """A config with other exemptions."""

    texts: Texts
    """Its files by their paths relative to its folder."""
    warnings: list[str]
    """The warnings that the edit adds."""
    compiled: CompiledConfig
    """It, compiled."""


class ExemptionEdit:
    """A config's files, before its exemptions are edited."""

    def __init__(self, path: Path, in_force: PolicyInForce | None) -> None:
        """``in_force`` is what the server has in force; None where none runs.

        Raises:
            Rejected: the file has problems, or an edit that was not reloaded.
            DarbanError: its exemptions come from a git repository.
        """
        self._path = path
        self._now = time.time()
        self._before, self._texts = self._compiled({})
        source = self._before.loaded.config.policy_source.repository
        if source:
            raise DarbanError(
                f"exemptions come from {source}, and this server signs nothing. In your clone of "
                "it, give the same command with --config config.toml; then commit it, signed, and "
                "push it"
            )
        if in_force is not None:
            pending = list(_pending(self._before, self._texts, in_force))
            if pending:
                raise _refused(*pending, _RELOAD_FIRST)

    @property
    def compiled(self) -> CompiledConfig:
        """The config, compiled."""
        return self._before.snapshot.compiled

    @property
    def nodes(self) -> Sequence[str]:
        """The other nodes of the pair, as the config names them."""
        return self._before.loaded.config.pair.nodes

    def clients(self, text: str) -> dict[str, object]:
        """The key of the exemption that says for whom it is: a VLAN's name, or prefixes.

        ``text`` is a VLAN, or addresses and prefixes with commas between them.

        Raises:
            DarbanError: the text names no client of any VLAN.
        """
        if text in self._before.loaded.config.vlans:
            return {"vlan": text}
        return {"prefixes": [self._prefix(part.strip()) for part in text.split(",")]}

    def _prefix(self, text: str) -> str:
        vlans = self._before.loaded.config.vlans
        check_digits(text)
        try:
            network = ip_network(text)
        except ValueError:
            known = ", ".join(vlans)
            raise DarbanError(
                f"'{text}' is neither an address, nor a prefix, nor a VLAN; there are {known}. "
                + did_you_mean(text, vlans)
            ) from None
        if not any(network.overlaps(prefix) for vlan in vlans.values() for prefix in vlan.prefixes):
            raise DarbanError(f"no VLAN holds {text}: its queries are refused in any case")
        return str(network)

    def add(self, exemption: Mapping[str, object]) -> EditedConfig:
        """The config with one more exemption, checked.

        Raises:
            Rejected: with the reasons.
        """
        file = str(self._path)
        edited = self._edited({file: add_exemption(self._text(file), exemption)})
        place = [exemption.id for exemption in edited.compiled.exemptions].index(
            str(exemption["id"])
        )
        if not permits_anything(edited.compiled, place):
            raise _refused("none of these services is blocked there: nothing to exempt")
        return edited

    def change(self, id_: str, values: Mapping[str, object]) -> EditedConfig:
        """The config with other values of one exemption, checked; Rejected if it is wrong."""
        [(file, place)] = self._locations([id_])
        return self._edited({file: change_exemption(self._text(file), place, values)})

    def remove(self, ids: Sequence[str]) -> EditedConfig:
        """The config without some exemptions, checked; Rejected if it is wrong."""
        places: dict[str, list[int]] = {}
        for file, place in self._locations(ids):
            places.setdefault(file, []).append(place)
        edited = {file: remove_exemptions(self._text(file), of) for file, of in places.items()}
        return self._edited(edited)

    def _locations(self, ids: Sequence[str]) -> list[tuple[str, int]]:
        """The file of each exemption, and its place among those of the file."""
        known = {exemption.id: place for place, exemption in enumerate(self.compiled.exemptions)}
        for id_ in ids:
            if id_ not in known:
                reason = f"there is no exemption '{id_}'; there are: {', '.join(known) or 'none'}"
                raise _refused(f"{reason}. {did_you_mean(id_, known)}".rstrip(" ."))
        provenance = self._before.loaded.provenance
        locations = [provenance.location(("exemptions", known[id_])) for id_ in ids]
        return [(location.file, int(location.path[-1])) for location in locations]

    def _text(self, file: str) -> str:
        return self._texts[os.path.relpath(file, self._path.parent)]

    def _edited(self, instead: Texts) -> EditedConfig:
        after, texts = self._compiled(instead, self._before)
        known = {str(problem) for problem in self._before.problems}
        warnings = sorted({str(problem) for problem in after.problems} - known)
        return EditedConfig(texts, warnings, after.snapshot.compiled)

    def _compiled(
        self, instead: Texts, edited: CompileResult | None = None
    ) -> tuple[CompileResult, Texts]:
        """The config with some files instead of those at their paths, and all its texts."""
        files = DiskFiles(self._path, instead)
        compiled = compile_file(self._path, self._now, files, edited)
        if compiled.errors:
            errors = [_of_edit(error) if instead else error for error in compiled.errors]
            raise _refused(*map(str, errors))
        try:
            compiled.check()
        except Rejected as error:
            raise _refused(*error.report, code=error.code) from None
        return compiled, files.texts(self._path.parent)


_RELOAD_FIRST = (
    "this would come in force with the exemption: 'darban diff' shows what it changes, "
    "'darban reload' puts it in force"
)


def _pending(now: CompileResult, texts: Texts, in_force: PolicyInForce) -> Iterator[str]:
    """What differs on disk from what is in force, and a reload would put in force.

    An edit that changes comments alone is none: it goes in force with the exemption.
    """
    sources = in_force.sources
    if sources is None:
        yield "the config is not in force: the last good policy is"
        return
    lists = list(differing(sources.lists or {}, now.own_lists))
    edited = [*edited_files(sources.texts, texts)]
    if edited:
        yield f"an edit was not reloaded:\n{difference(sources.texts, texts).rstrip()}"
    for file in lists:
        yield f"{file}: an edit was not reloaded"
    if not lists and not edited and now.snapshot.hash() != in_force.snapshot:
        yield "a list that was fetched is not in force"


def _of_edit(error: Problem) -> Problem:
    """An error that an edit has brought, as the command that makes it says it.

    The file on disk has no lines of the edit, and may not have the exemption. It had no error, so
    one in an exemption is in that of the edit.
    """
    within = re.fullmatch(r"exemptions\[\d+\]\.?(.*)", error.path)
    if within is None:
        return replace(error, line=None)
    return replace(error, file="this exemption", line=None, path=within[1])


def _refused(*lines: str, code: int = WRONG_CONFIG) -> Rejected:
    return Rejected([*lines, "the config stays as it is"], code)
