"""``darban explain``: how a name is answered for a client, and why."""

import datetime as dt
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from shutil import get_terminal_size
from typing import Annotated, Any, Final, NamedTuple

import typer

from resolver import DarbanError
from resolver.analysis.cached_reply import LookUp
from resolver.analysis.explanation import Explainer, Explanation
from resolver.cli.command import AsJson, echo, print_json
from resolver.cli.default_config import default_config
from resolver.cli.in_force_at import PastPolicy, in_force_at, is_past
from resolver.cli.last_query import last_query, last_query_facts
from resolver.cli.moments import moment_text, parse_moment
from resolver.cli.policies import compile_shown, compile_valid, load_snapshot, view_of_vlan
from resolver.cli.server import ask, hash_in_force
from resolver.config.values import parse_address
from resolver.dns import codes, names
from resolver.dns.typed_name import typed_name
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.upstream.blocking import BlockingForwarder

_INDENT: Final = " " * 14
"""Of the second line of a fact."""

Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CLIENT NAME [TYPE]",
        help="who asks, an address or a VLAN; for which name, or URL; for which record type, or A",
    ),
]
Client = Annotated[
    str | None, typer.Option("--client", help="who asks by address, instead of CLIENT")
]
Vlan = Annotated[str | None, typer.Option("--vlan", help="or by VLAN")]
AllVlans = Annotated[bool, typer.Option("--all-vlans", help="or every VLAN, one line each")]
Live = Annotated[
    bool, typer.Option("--live", help="ask the upstream, and check the targets of the answer too")
]
At = Annotated[
    str | None,
    typer.Option("--at", help="at a moment, past or to come, such as 1405-12-29T14:30"),
]
Candidate = Annotated[
    Path | None, typer.Option("--config", help="use this file instead of the policy in force")
]


def explain(
    words: Words = None,
    *,
    client: Client = None,
    vlan: Vlan = None,
    all_vlans: AllVlans = False,
    live: Live = False,
    at: At = None,
    config: Candidate = None,
    as_json: AsJson = False,
) -> int:
    """Show how a name is answered for a client, and why.

    Takes the host of a URL, of a name with a port, or of an e-mail address. Without --config, the
    policy in force decides. --live shows what the caches of the server would give, and how old that
    is, beside what the upstream answers now; servers of 'fallback' are not asked. With --at, the
    hours and exemptions of a moment to come decide, or the snapshot that was in force at a past
    one, while it is kept: this needs no server, and uses the code of this release. A file of
    --config decides as it is now, also with --at. A moment is solar Hijri or Gregorian by its year,
    and of the time zone of [report] unless it has an offset, such as +03:30; a date alone is its
    beginning. Exits with 1 where the name is blocked, or nothing was in force.

    Of an address, "asked" says whether this server has had a query of it, to the minute, and since
    when the memory of the server reaches; in --json "last" (null for none) and "since", in UTC.
    Neither is said with --config and --at, and of a VLAN.

        darban explain 10.10.3.7 web.telegram.org

        darban explain administration wa.me AAAA --config new.toml

        darban explain administration instagram.com --at 1405-12-29T14:30

        darban explain --all-vlans links.agency.example --live
    """
    question = _question(words or [], client, vlan, all_vlans)
    moment = time.time() if at is None else parse_moment(at).timestamp()
    asked: list[tuple[CompiledConfig, Index, PastPolicy | None]] = []
    if at is not None and config is None and is_past(moment):
        if live:
            raise DarbanError("--live asks an upstream now; leave it out for a past moment")
        past = in_force_at(_server_config(), moment)
        asked += [(policy.compiled, policy.index, policy) for policy in past]
    else:
        if config is not None and at is not None:
            then = ", and not by what was in force then" if is_past(moment) else ""
            echo(f"by {config} as it is now{then}", err=True)
        asked.append((*(_of_config(config) if config is not None else _in_force()), None))
    if any(
        question.host == service.name for compiled, _, _ in asked for service in compiled.services
    ):
        about = "this is about a domain {0}, not about the names of the service {0}"
        echo(about.format(question.host), err=True)
    if at is not None and asked[0][2] is None:
        echo(f"at {moment_text(moment)}", err=True)
    look_up = _look_up if live and config is None and at is None else None
    last = last_query(question.who) if config is None and at is None else None
    answers = [_Answer(question, *policy, moment, live, look_up, last) for policy in asked]
    if as_json:
        objects = [answer.as_json() for answer in answers]
        print_json(objects[0] if len(objects) == 1 else {"answers": objects})
    else:
        echo("\n\n".join(answer.text() for answer in answers))
    return int(any(answer.is_blocked for answer in answers))


class _Answer:
    """How a question is answered by a policy, which may be one of the past."""

    def __init__(
        self,
        question: "_Question",
        compiled: CompiledConfig,
        index: Index,
        past: PastPolicy | None,
        moment: float,
        live: bool,
        look_up: LookUp | None,
        last: Mapping[str, Any] | None,
    ) -> None:
        ask_upstream = BlockingForwarder(compiled).ask if live else None
        explainer = Explainer(compiled, index, moment, ask_upstream, look_up)
        self._explained = question.explained(explainer)
        self._is_of_all = question.who is None
        self._past = past
        self._last_query = last

    @property
    def is_blocked(self) -> bool:
        """Whether somebody who asks gets no answer of an upstream."""
        outcomes = {explanation.outcome for explanation in self._explained}
        return not outcomes.isdisjoint(("blocked", "rebinding", "refused"))

    def as_json(self) -> dict[str, object]:
        """For --json."""
        answer = asdict(self._explained[0])
        if self._is_of_all:
            answer = {"vlans": self._explained}
        if self._last_query is not None:
            answer["asked"] = self._last_query
        return answer if self._past is None else {**answer, "in_force": self._past.as_json()}

    def text(self) -> str:
        """For a person."""
        more = {} if self._last_query is None else last_query_facts(self._last_query)
        text = _as_lines(self._explained) if self._is_of_all else _as_text(self._explained[0], more)
        return text if self._past is None else f"{text}\n{self._past.text()}"


class _Question(NamedTuple):
    """A question, and who asks it."""

    who: str | None
    """An address or a VLAN; None for every VLAN."""
    host: str
    qtype: int

    def explained(self, explainer: Explainer) -> list[Explanation]:
        """How it is answered; a line for each VLAN where every VLAN asks."""
        name = names.parse(self.host)
        if self.who is not None and parse_address(self.who) is not None:
            return [explainer.for_client(self.who, name, self.qtype)]
        vlan_names = [vlan.name for vlan in explainer.compiled.vlans]
        if self.who is not None:
            vlan_names = [self.who]
        views = [view_of_vlan(explainer, name) for name in vlan_names]
        return [explainer.for_view(view, name, self.qtype) for view in views]


def _question(
    words: Sequence[str], client: str | None, vlan: str | None, all_vlans: bool
) -> _Question:
    """The question that a command line means: CLIENT NAME [TYPE], CLIENT also by an option."""
    asking = [option for option in (client, vlan) if option is not None]
    if not asking and not all_vlans:
        asking, words = list(words[:1]), words[1:]
    if len(asking) + all_vlans != 1 or not 1 <= len(words) <= 2:
        raise DarbanError(
            "say who asks for what: darban explain CLIENT NAME [TYPE], where CLIENT is an address "
            "or a VLAN; or --all-vlans instead of CLIENT"
        )
    if client is not None and parse_address(client) is None:
        raise DarbanError(f"'{client}' is not an address such as 10.10.3.7 or fd00:10::37")
    name, type_ = words[0], "".join(words[1:]) or "A"
    qtype = codes.parse_type(type_)
    if qtype is None:
        raise DarbanError(f"'{type_}' is not a record type such as A, AAAA, HTTPS, TYPE65")
    host = typed_name(name)
    if host != name.strip():
        echo(f"'{name}' is no name alone; this is about its host, {host}", err=True)
    return _Question(asking[0] if asking else None, host, qtype)


def _of_config(config: Path) -> tuple[CompiledConfig, Index]:
    snapshot = compile_valid(config).snapshot
    return snapshot.compiled, snapshot.index()


def _server_config() -> Path:
    path = default_config()
    echo(f"by the audit log of the server of {path}", err=True)
    return path


def _in_force() -> tuple[CompiledConfig, Index]:
    path = default_config()
    echo(f"by the policy in force of the server of {path}", err=True)
    in_force = hash_in_force(path)
    compiled = compile_shown(path, time.time())
    if compiled.errors or compiled.snapshot.hash() != in_force:
        echo(f"{path} differs from the policy in force, which is shown here", err=True)
    return load_snapshot(path, in_force)


def _look_up(key: bytes) -> list[Mapping[str, Any]]:
    """What the caches of the server's workers have for the key of a question."""
    caches: list[Mapping[str, Any]] = ask(default_config(), "cached", key=key.hex())["caches"]
    return caches


def _as_text(explanation: Explanation, more: dict[str, str]) -> str:
    """A line for each fact. What is longer than the terminal goes on below, between two words."""
    lines = [f"{explanation.name} {explanation.type}: {explanation.outcome}"]
    facts = explanation.facts() | more
    if "until" in facts:
        facts["until"] = moment_text(dt.datetime.fromisoformat(facts["until"]).timestamp())
    wrapper = textwrap.TextWrapper(
        *(get_terminal_size().columns, "", _INDENT),
        break_long_words=False,  # a path and a name stay whole
        break_on_hyphens=False,
    )
    for key, value in facts.items():
        lines += wrapper.wrap(f"  {key:<11} {value}")
    return "\n".join(lines)


def _as_lines(explained: Sequence[Explanation]) -> str:
    """A line for each VLAN, in columns; never wrapped, so that it can be searched."""
    rows = [("VLAN", "policy", "outcome", "decided by")]
    rows += [
        (explanation.vlan, explanation.policy, explanation.outcome, _why(explanation))
        for explanation in explained
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([f"{explained[0].name} {explained[0].type}", *lines])


def _why(explanation: Explanation) -> str:
    if explanation.matched not in ("", explanation.name):
        return f"{explanation.decided_by}, for a target of the answer: {explanation.matched}"
    if explanation.answer:
        return f"{explanation.decided_by}; the upstream answers {explanation.answer}"
    return explanation.decided_by
