"""``darban report`` of a real server."""

import json
from collections.abc import Callable

from tests.live.clients import ask
from tests.live.commands import GOOD, UNREACHABLE, darban
from tests.live.server import Server
from tests.live.waiting import wait_for


def test_of_what_is_in_force_with_its_counts(make_shipped: Callable[[], Server]) -> None:
    server = make_shipped()
    alone = darban("report", "--json", at=server.directory)
    assert (alone.code, alone.out) == (UNREACHABLE, "")
    assert "no server answers" in alone.err
    server.start()
    for _ in range(3):
        ask(server.port, "web.telegram.org", client="127.0.10.5")
    ask(server.port, "web.telegram.org", client="127.0.99.5")
    done = wait_for(lambda: _with_counts(server), "the counts are told of")
    vlans = {vlan["name"]: vlan for vlan in done["vlans"]}  # type: ignore[attr-defined]
    assert vlans["administration"]["counts"]["outcomes"] == {"blocked": 3}
    assert vlans["publicity"]["counts"]["queries"] == 0
    assert done["refused"] == 1
    assert (done["config_differs"], done["expectations_run"]) == (False, True)
    judged = [expectation for vlan in vlans.values() for expectation in vlan["expectations"]]
    assert len(judged) + len(done["unassigned_clients"]) == 12  # type: ignore[arg-type]
    assert all(item["holds"] for item in judged)

    text = server.config.read_text(encoding="utf-8")
    changed = text.replace("deny = [] ", 'deny = ["eitaa.com"] ')
    server.config.write_text(changed, encoding="utf-8")
    other = darban("report", "--json", at=server.directory)
    assert other.code == GOOD, "what is in force holds"
    assert other.json["config_differs"] is True
    assert other.json["snapshot"] == done["snapshot"]
    server.config.write_text("[server\n", encoding="utf-8")
    broken = darban("report", "--language", "en", at=server.directory)
    assert broken.code == GOOD
    assert "could not be run" in broken.out
    assert broken.out.startswith("<!doctype html>")
    assert broken.out.endswith("</html>\n")


def _with_counts(server: Server) -> dict[str, object] | None:
    done = darban("report", "--json", at=server.directory)
    assert done.code == GOOD, done.err
    told: dict[str, object] = json.loads(done.out)
    return told if told["refused"] else None
