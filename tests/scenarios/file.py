"""What a scenario's file may say; README.md describes it to its readers."""

import datetime as dt
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SCENARIOS = Path(__file__).parent
AGENCY = SCENARIOS / "agency"
FILES = sorted(SCENARIOS.glob("*/*.toml"))
FILES.remove(AGENCY / "config.toml")


@dataclass(frozen=True)
class Told:
    """What the upstreams do with a question."""

    question: str
    does: str = "answers"
    rcode: str = "NOERROR"
    answer: list[str] = field(default_factory=list)
    authority: list[str] = field(default_factory=list)
    additional: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    ede: str = ""
    server: str = ""
    over: str = ""
    asking: list[str] | None = None
    times: int = 1_000_000
    after: float = 0.0


@dataclass(frozen=True)
class Step:
    """One query and what must come back."""

    at: float | None = None
    client: str = "10.10.0.5"
    over: str = "udp"
    # the query
    ask: str = ""
    asking: list[str] = field(default_factory=list)
    size: int = 0
    packet: str = ""
    # what must come back
    reply: str = ""
    answer: list[str] = field(default_factory=list)
    authority: list[str] = field(default_factory=list)
    additional: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    ede: str = ""
    # what must be known of it
    outcome: str = ""
    vlan: str = ""
    service: str | None = None
    upstream: list[str] = field(default_factory=list)
    within: float = 2.0
    no_larger: bool = False
    opt: bool | None = None
    # what happens before
    draining: bool = False
    reload: str | None = None


@dataclass(frozen=True)
class Scenario:
    """A network, its upstreams, and what happens."""

    about: str
    step: list[Step]
    upstream: list[Told] = field(default_factory=list)
    servers: list[str] = field(default_factory=lambda: ["192.0.2.1"])
    trust_ad: bool = False
    more: str = ""
    lists: dict[str, str] = field(default_factory=dict)
    fails: str = ""
    moment: dt.datetime = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


def read(path: Path) -> Scenario:
    said: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    said["upstream"] = [Told(**item) for item in said.get("upstream", ())]
    said["step"] = [Step(**item) for item in said["step"]]
    return Scenario(**said)
