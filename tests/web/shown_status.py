"""A status that the pages show."""

from dataclasses import replace

from resolver.metrics.status import (
    Answers,
    BlockLogStatus,
    CacheStatus,
    ExemptionStatus,
    LastReload,
    ListStatus,
    PublishStatus,
    ServiceCount,
    UpstreamStatus,
    VlanCounts,
    ZoneStatus,
)
from resolver.policy.clauses import Mode
from tests.metrics.statuses import idle
from tests.web.judged import NOW

BLOCKED = ServiceCount("one", "blocked", 1234)
DENIED = ServiceCount("", "would_block", 617)
UPSTREAM = UpstreamStatus("192.0.2.53:53", True, 40, 2, {}, 38, 0.076, 0.002)
EXEMPTION = ExemptionStatus(
    *("pr-1", None, ("10.10.3.7/32",), ("one",), NOW + 9e6, "Head & <PR>", "PR-1", ""),
    state="in force",
)
BLOCK_LOG = BlockLogStatus("/var/lib/darban/blocks.jsonl", "vlan", 17, 0, "")
PUBLISH = PublishStatus("/zones", "127.0.0.1:8053", (ZoneStatus("a.rpz", 8, 8),), (), "")
STATUS = replace(
    idle(NOW),
    last_reload=LastReload(NOW - 60, "applied", "uid 0", ()),
    vlans=(
        VlanCounts(
            "administration",
            10,
            "administrative",
            Mode.ENFORCE,
            4000,
            {"blocked": 1234, "passed": 2766},
            (BLOCKED,),
        ),
        VlanCounts("trial", None, "watched", Mode.AUDIT, 700, {"would_block": 617}, (DENIED,)),
        VlanCounts("publicity", 20, "publicity", Mode.ENFORCE, 0, {}, ()),
        VlanCounts("unknown", None, "", "", 7, {"refused": 7}, ()),
    ),
    upstreams=(UPSTREAM,),
    cache=CacheStatus(20, 1 << 20, 64 << 20, 30, 10, 0.75),
    answers=Answers(3000, 1000),
    lists=(ListStatus("one", "messenger", "One & <Only>", 17, ("one.txt",), "2026-11-24"),),
    exemptions=(EXEMPTION,),
    block_log=BLOCK_LOG,
    publish=PUBLISH,
)
