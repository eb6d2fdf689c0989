"""All breakdowns, and the kinds of faults that cannot be tried here."""

from resolver.metrics.faults import Kind
from tests.programs.attacks.fake_upstream import PROBE
from tests.programs.chaos import breaking
from tests.programs.chaos.list_server import Mode as ListMode
from tests.programs.chaos.system import System
from tests.programs.chaos.upstream import Mode
from tests.programs.faults import host, state
from tests.programs.faults.breakdown import Breakdown

_WINDOW = "by itself; the alert looks back over half an hour"
_FIVE = "by itself; status and alert look back over five minutes"
_BROKEN = "[[\n"
_NOT_IN_FORCE = (
    "the config is not in force; (see darban check|/)"  # and not: compiled since the start
)
_REPLACED = r"\(\d+ replaced\)"
_PUBLISH = """
[publish]
listen = ["127.0.0.1:9"]
directory = "{place}/zones"
"""
_lists_fail, _lists_are_back = (
    breaking.lists_are(ListMode.FAILING),
    breaking.lists_are(ListMode.HONEST),
)
_update_fails, _reload = breaking.refused("lists", "update"), breaking.command("reload")
_upstream_is_back = state.upstream_is(Mode.HONEST)

BREAKDOWNS = (
    Breakdown(
        "lists-lost",
        "DarbanListFault",
        "there is no copy of the list listed",
        breaking.in_order(_lists_fail, state.lose_copies, breaking.kill_supervisor),
        _lists_are_back,
        commands=("darban lists update",),
        kinds=("list_never_fetched",),
    ),
    Breakdown(
        "lists-zeroed",
        "DarbanConfigNotInForce",
        _NOT_IN_FORCE,
        breaking.in_order(_lists_fail, state.zero_copies, breaking.kill_supervisor),
        _lists_are_back,
        commands=("darban lists update",),
        kinds=("config_not_ok",),
    ),
    Breakdown(
        "list-server-gone",
        "DarbanListFault",
        "list listed could not be updated since",
        breaking.in_order(_lists_fail, state.grow_old, breaking.kill_supervisor, _update_fails),
        _lists_are_back,
        commands=("darban lists update",),
        kinds=("list_stale",),
    ),
    Breakdown(
        "list-grown",
        "DarbanListFault",
        "list listed: a change is held",
        state.list_grows,
        commands=("darban lists update NAME --accept",),
        kinds=("list_held",),
        prepares=state.list_of_a_file,
    ),
    Breakdown(
        "config-broken",
        "DarbanConfigNotInForce",
        _NOT_IN_FORCE,
        breaking.in_order(breaking.add(_BROKEN), breaking.refused("reload")),
        breaking.edit(_BROKEN, ""),
        "restore the file",
        ("darban reload",),
        ("config_not_ok",),
    ),
    Breakdown(
        "config-broken-snapshot-damaged",
        "DarbanConfigNotInForce",
        _NOT_IN_FORCE,
        breaking.in_order(breaking.add(_BROKEN), state.damage_snapshot, breaking.kill_supervisor),
        breaking.edit(_BROKEN, ""),
        "restore the file",
        ("darban reload",),
        ("config_failed",),
        prepares=breaking.in_order(breaking.add("[policies.spare]\n"), _reload),
    ),
    Breakdown(
        "policy-unsigned",
        "DarbanPolicyRefused",
        "the policy was not pulled",
        breaking.in_order(state.commit_unsigned, breaking.refused("pull")),
        state.sign,
        "git rebase --exec 'git commit --amend --no-edit -S'",
        ("darban pull",),
        ("policy_not_pulled",),
        prepares=state.policy_of_git,
    ),
    Breakdown(
        "supervisor-killed",
        "DarbanRestarts",
        r"up \d+ s",
        breaking.times(3, breaking.kill_supervisor),
        lingers=_WINDOW,
    ),
    Breakdown(
        "workers-killed",
        "DarbanRestarts",
        _REPLACED,
        breaking.times(3, breaking.kill_worker),
        lingers=_WINDOW,
    ),
    Breakdown(
        "workers-frozen",
        "DarbanRestarts",
        _REPLACED,
        breaking.times(3, breaking.stop_worker),
        lingers=_WINDOW,
    ),
    Breakdown(
        "worker-load-hangs",
        "DarbanRestarts",
        _REPLACED,
        breaking.times(3, host.hang_a_load),
        lingers=_WINDOW,
    ),
    Breakdown(
        "snapshot-damaged",
        "DarbanNotAnswering",
        "only 0 of 2 workers serve",
        breaking.in_order(state.damage_snapshot, host.kill_workers),
        commands=("darban reload",),
        kinds=("workers_missing", "not_ready"),
    ),
    Breakdown(
        "address-lost",
        "DarbanNotAnswering",
        f"{host.ADDRESS}.*: this host has no such address now",
        host.take_address,
        host.give_address,
        "Give the host its address again",
        kinds=("address_missing",),
        prepares=breaking.in_order(host.give_address, host.listen_there),
    ),
    Breakdown(
        "disk-read-only",
        "DarbanFault",
        "no server answers",
        host.read_only,
        host.read_and_write,
        "mount it again",
        kinds=("no_control_socket",),
    ),
    Breakdown(
        "disk-full",
        "DarbanFault",
        "the block log cannot be written",
        breaking.fill,
        breaking.free,
        "make room",
        kinds=("block_log_fails",),
    ),
    Breakdown(
        "no-descriptors",
        "DarbanNotAnswering",
        "TCP connections are not accepted",
        host.no_descriptors,
        breaking.descriptors,
        kinds=("tcp_not_accepted",),
    ),
    Breakdown(
        "drained",
        "DarbanFault",
        "health checks fail: draining",
        breaking.command("drain"),
        commands=("darban drain --end",),
        kinds=("draining",),
    ),
    Breakdown(
        "upstream-silent",
        "DarbanUpstreamDown",
        r"upstream \S+ does not answer",
        state.upstream_is(Mode.HUNG),
        _upstream_is_back,
        kinds=("upstream_down",),
    ),
    Breakdown(
        "upstream-flaps",
        "DarbanUpstreamDown",
        "gave no usable answer to a quarter",
        state.upstream_is(Mode.FLAPPING),
        _upstream_is_back,
        kinds=("upstream_fails",),
        lingers=_FIVE,
    ),
    Breakdown(
        "upstream-refuses",
        "DarbanUpstreamDown",
        "gives REFUSED for",
        breaking.in_order(state.upstream_is(Mode.REFUSING), System.reload),
        _upstream_is_back,
        kinds=("upstream_wrong",),
        prepares=breaking.in_order(breaking.edit(f"signed.{PROBE}", "signed.example"), _reload),
    ),
    Breakdown(
        "zones-not-written",
        "DarbanZonesDiffer",
        "the zones cannot be written",
        state.zones_are_a_file,
        state.zones_are_a_directory,
        "give the directory",
        kinds=("zones_not_written",),
        prepares=breaking.in_order(breaking.add(_PUBLISH), _reload),
    ),
    Breakdown(
        "zones-not-served",
        "DarbanZonesDiffer",
        "zones are not served by",
        breaking.in_order(breaking.add(_PUBLISH), _reload),
        lingers="not tried: Knot DNS does not run here",
        kinds=("zones_not_served",),
    ),
    Breakdown(
        "zones-leave-out",
        "DarbanZonesDiffer",
        "not in the zones: ",
        breaking.in_order(breaking.add(_PUBLISH), _reload),
        lingers="not tried: a person has to exempt in another way",
        kinds=("zones_leave_out",),
    ),
)
UNTRIED: dict[Kind, str] = {
    "config_edited": "its alert needs a quarter of an hour; tests/supervisor/test_edit_watch.py",
    "config_edit_refused": "as config_edited",
    "wrong_decisions": "tests/end_to_end/watching/test_self_test.py has a worker that is wrong",
    "upstream_unverified": "tests/end_to_end/upstreams/test_upstream_over_tls.py raises it",
    "upstream_rewrites": "tests/end_to_end/upstreams/test_wrong_upstream.py has such a server",
    "certificate_unusable": "tests/end_to_end/clients/test_tls.py breaks a certificate",
    "certificate_expired": "tests/end_to_end/clients/test_tls.py has one that has expired",
    "certificate_ends": "its alert needs a certificate that ends",
    "figures_not_written": "tests/end_to_end/watching/test_figures.py fills the disk",
    "audit_log_broken": "tests/audit/test_journal.py changes a line",
    "policy_expired": "tests/end_to_end/pull/test_pull_frozen.py has a frozen repository",
    "copy_not_accepted": "tests/end_to_end/lists/test_signed_lists.py removes a key",
    "medium_not_accepted": "tests/end_to_end/lists/test_lists_from_medium.py removes a key",
    "link_cut": "tests/end_to_end/upstreams/test_link_cut.py cuts a link",
    "clock_wrong": "it is the clock of the kernel",
    "exemption_ends": "its alert needs three days",
    "exemption_ended": "a reminder without an alert",
}
