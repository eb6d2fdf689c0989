"""Lists that lose their names: by their server, by the disk, by an edit. The names stay blocked.

The list's server is a file: a list whose URL is a file is held to all that a download is.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.live.waiting import wait_for
from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import PUBLICITY, ask
from tests.programs.attacks.fake_upstream import TRUE, honest, upstream
from tests.programs.attacks.real_server import Darban, darban

_STRICT = "127.0.30.5"
_FETCHED = [f"n{number}.fetched.example" for number in range(500)]
_OWN = [f"n{number}.own.example" for number in range(20)]
_ASKED = (*_FETCHED[::50], f"web.{_FETCHED[0]}", *_OWN[::4])
_RULES = "".join(f"||{name}^\n" for name in _FETCHED)
_OWN_RULES = "! Category: advertising\n" + "".join(f"||{name}^\n" for name in _OWN)
_MORE = """
[policies.strict]
block = ["@advertising"]
[vlans.strict]
prefixes = ["127.0.30.0/24"]
policy = "strict"
[lists.sources.ads]
url = "file://{list}"
format = "adblock"
category = "advertising"
"""
_EXPECTED = (
    "list ads|last good snapshot|reload by|a list that was fetched|expected .* in force last"
)
_EXPECTED += "|Its copy|expectation|no-encrypted-dns"


class _Served:
    """A server that blocks the names of a fetched list and of a list of its own."""

    def __init__(self, server: Darban, place: Path) -> None:
        self.server = server
        self.source = place / "fetched.txt"
        self.own = place / "own" / "banners.txt"
        self.passed = 0
        """The names that passed before the server was started again."""

    def passing(self) -> int:
        """The names that are not blocked, of those asked for."""
        told = [ask(self.server.port, wire.question(name), _STRICT) for name in _ASKED]
        return sum(packet is None or packet.addresses != ["0.0.0.0"] for packet in told)

    def update(self, rules: str) -> str:
        """Let the list's server have these rules, and fetch them."""
        self.source.write_text(rules, encoding="utf-8")
        told = self.server.command("lists", "update").out
        self.passed = max(self.passed, self.passing())
        return told

    def reload_and_restart(self) -> str:
        """What ``darban reload`` says; then the server is started as the service starts it."""
        reload = self.server.command("reload")
        self.passed = self.passing()
        self.server.stop()
        self.server.options = ("--last-good",)
        self.server.start()
        return f"darban reload: exit code {reload.code}; "


@contextmanager
def _served() -> Iterator[_Served]:
    with TemporaryDirectory(prefix="darban-lists-") as directory, upstream(honest) as asked:
        place = Path(directory)
        (place / "own").mkdir()
        (place / "own" / "banners.txt").write_text(_OWN_RULES, encoding="utf-8")
        (place / "fetched.txt").write_text(_RULES, encoding="utf-8")
        more = _MORE.format(list=place / "fetched.txt")
        with darban([asked.where], more=more, lists=[place / "own"], expected=_EXPECTED) as server:
            served = _Served(server, place)
            wait_for(lambda: not served.passing(), "both lists are in force")
            yield served


def _all_blocked(lose: Callable[[_Served], str]) -> Seen:
    """None of the names passes when ``lose`` has lost them, and another VLAN is as before."""
    with _served() as served:
        told = lose(served)
        passing = served.passing()
        free = ask(served.server.port, wire.question(_FETCHED[0]), PUBLICITY)
    text = f"{told}{max(passing, served.passed)} of {len(_ASKED)} names pass"
    kept = free is not None and free.addresses == [TRUE]
    return Seen(not passing and not served.passed and kept, text)


def _wide_exceptions(served: _Served) -> str:
    told = served.update(_RULES + "@@||example^\n@@||com^\n")
    named = "@@||example^ and 1 more" in served.server.command("check").out
    return f"{told.strip()}; {'named' if named else 'not named'} by darban check; "


def _own_exceptions(served: _Served) -> str:
    """For all names by one exception, for a third of them, and for names below all of them."""
    told = [
        served.update(_RULES + "@@||fetched.example^\n"),
        served.update(_RULES + "".join(f"@@|{name}^\n" for name in _FETCHED[::3])),
        served.update(_RULES + "".join(f"@@||web.{name}^\n" for name in _FETCHED)),
    ]
    return "; ".join(text.partition(",")[0].strip() for text in told) + "; "


def _sends(served: _Served, rules: str) -> str:
    """The list's server sends less of it."""
    return f"{served.update(rules).partition(',')[0].strip()}; {served.reload_and_restart()}"


def _own_list_gone(served: _Served) -> str:
    served.own.unlink()
    return served.reload_and_restart()


def _own_list_cut(served: _Served) -> str:
    served.own.write_text(_OWN_RULES[: len(_OWN_RULES) // 2], encoding="utf-8")
    return served.reload_and_restart()


def _another_format(served: _Served) -> str:
    served.source.unlink()
    config = served.server.config
    text = config.read_text(encoding="utf-8").replace('"adblock"', '"hosts"')
    config.write_text(text, encoding="utf-8")
    return served.reload_and_restart()


def _copies(served: _Served, harm: Callable[[Path], None]) -> str:
    served.source.unlink()
    harm(served.server.state / "lists")
    return served.reload_and_restart()


def _zeroed(lists: Path) -> None:
    for file in lists.iterdir():
        file.write_bytes(bytes(file.stat().st_size))


def _one_bit(lists: Path) -> None:
    """One bit of the record and one of the list: a name is another one, and nothing tells."""
    for file, text in (("ads.json", b'"sha256"'), ("ads.list", b"||n0.")):
        content = bytearray((lists / file).read_bytes())
        content[content.index(text) + 2] ^= 1
        (lists / file).write_bytes(content)


ATTACKS = [
    Attack(
        name,
        wanted,
        partial(_all_blocked, lose),
    )
    for name, wanted, lose in (
        ("list-wide-exceptions", "a list's exceptions for suffixes are left out", _wide_exceptions),
        ("list-own-exceptions", "a list that excepts its own names is held", _own_exceptions),
        ("list-empty", "the server of a list sends nothing", partial(_sends, rules="")),
        (
            "list-half",
            "the server of a list sends half of it",
            partial(_sends, rules=_RULES[: len(_RULES) // 2]),
        ),
        ("list-gone", "a list of a directory that is gone stays in force", _own_list_gone),
        ("list-cut", "a list of a directory that is cut short stays in force", _own_list_cut),
        ("list-format", "another format in the config, the source away", _another_format),
        (
            "list-copies-gone",
            "the copies are gone, the source away",
            partial(_copies, harm=shutil.rmtree),
        ),
        (
            "list-copies-zeroed",
            "the copies have zeros, the source away",
            partial(_copies, harm=_zeroed),
        ),
        (
            "list-copies-bits",
            "a bit of record and copy, the source away",
            partial(_copies, harm=_one_bit),
        ),
    )
]
