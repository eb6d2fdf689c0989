"""All metrics: each has its name, text and labels here, and nowhere else.

The config bounds the labels: VLANs, services, upstreams, lists, exemptions. No label ever carries a
domain name or a client.

To add a metric, declare it here, a counter without its ``_total``, then:
- A part of the supervisor knows it: a field of its value in ``part_states``, set in ``Part.states``
  and yielded in ``collector``. A command to all workers is one event.
- Workers count it: a cell in ``CounterMap`` and ``CounterLayout.counter_map`` (``layout``), a
  method of ``Counters``, and the metric in ``_COUNTED`` of ``collector``. Pure packages return what
  is to be counted. What depends on the client is counted in ``server.handler``. By VLAN, the map
  has a list of cells, of which the last is for clients in no VLAN.
- It is a sum over queries: ``_by_vlan_and_type`` in ``collector``, and ``initial_series``.
- A panel of deploy/grafana/dashboards, a recording rule or an alert uses it.
- tests/metrics/test_collector.py has its value. In tests/end_to_end the event raises it: nothing
  else notices that nothing does.
Fails until done: tests/watching/test_expressions.py, tests/laws/test_callers.py (its labels).
"""

from typing import NamedTuple

from resolver.dns import codes
from resolver.exchange import second_answer


class Metric(NamedTuple):
    """A metric; the name of a counter is without ``_total``."""

    name: str
    kind: str
    text: str
    labels: tuple[str, ...]


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, "counter", text, labels)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, "gauge", text, labels)


def _histogram(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, "histogram", text, labels)


QUERIES = _counter(
    "darban_queries",
    "Queries by outcome and by the service whose rule matched",
    "vlan",
    "outcome",
    "service",
)
RESPONSES = _counter("darban_responses", "Responses by rcode", "vlan", "rcode")
TRANSPORTS = _counter(
    "darban_query_transports", "Queries by transport: udp, tcp, tls", "vlan", "transport"
)
TYPES = _counter("darban_query_types", "Queries by record type", "type")
DURATION = _histogram(
    "darban_query_duration_seconds",
    "Seconds from receiving a query to sending its reply, by path: cache or upstream",
    "path",
)
BYPASS = _counter(
    "darban_bypass_attempts",
    "Blocked or counted queries for ways around this resolver: encrypted DNS and canary names",
    "vlan",
    "kind",
)
REDIRECTED = _counter(
    "darban_redirected_queries",
    "Queries for other resolvers that a gateway has redirected to [server] redirected",
    "vlan",
)
CACHE_ENTRIES = _gauge("darban_cache_entries", "Entries in the caches of all workers")
CACHE_BYTES = _gauge("darban_cache_bytes", "Octets in the caches of all workers")
CACHE_HITS = _counter("darban_cache_hits", "Cache look-ups that found an entry")
CACHE_MISSES = _counter("darban_cache_misses", "Cache look-ups that found no entry")
MISSING_FORWARDS = _counter(
    "darban_missing_forward_queries",
    "Queries below .local and .internal that got NXDOMAIN, since no [[forward]] has the name",
)
FALLBACK_ANSWERS = _counter(
    "darban_fallback_answers",
    "Questions that servers of [upstream] fallback have answered",
)
LINK_CUT = _gauge(
    "darban_link_cut_timestamp_seconds",
    "Since when names abroad get no answer, and those at home do; 0 while the link is there",
)
UPSTREAM_QUERIES = _counter(
    "darban_upstream_queries", "Queries to upstream servers, by result", "upstream", "result"
)
UPSTREAM_DURATION = _histogram(
    "darban_upstream_duration_seconds", "Seconds until an upstream server answered", "upstream"
)
UPSTREAM_DIFFERING = _counter(
    "darban_upstream_differing_answers",
    "Second answers over UDP to one query that differ from the first: of the kind national_filter "
    "where one of both has an address of it, else other, which two caches also cause",
    "upstream",
    "kind",
)
UPSTREAM_UP = _gauge(
    "darban_upstream_up", "1 while an upstream server answers any worker that asked it", "upstream"
)
UPSTREAM_OK = _gauge(
    "darban_upstream_ok",
    "0 while an upstream server gives a wrong answer for a name that exists, an address for "
    "made-up names, or none that can be used to a quarter of the queries of five minutes",
    "upstream",
)
UPSTREAM_VALIDATES = _gauge(
    "darban_upstream_validates",
    "1 while an upstream server is known to validate DNSSEC; 0 while that is not known",
    "upstream",
)
CONFIG_OK = _gauge("darban_config_ok", "1 while the config is in force")
RELOADS = _counter("darban_reloads", "Reloads by result", "result")
SNAPSHOT_INFO = _gauge("darban_snapshot_info", "The snapshot in force", "hash")
HISTORY_INFO = _gauge(
    "darban_history_info",
    "The number and the hash of the last record of the audit log, for 'darban history --verify "
    "--head NUMBER:HASH'",
    "number",
    "hash",
)
POLICY_INFO = _gauge(
    "darban_policy_info",
    "The policy in force; servers with the same policy and the same version of the hash have one",
    "version",
    "hash",
)
SNAPSHOT_LOADED = _gauge(
    "darban_snapshot_loaded_timestamp_seconds", "When the snapshot was put in force"
)
STARTED = _gauge("darban_started_timestamp_seconds", "When the server started")
VLAN_INFO = _gauge("darban_vlan_info", "The VLANs as configured", "vlan", "id", "policy", "mode")
VLAN_BANS = _gauge(
    "darban_vlan_bans",
    "Services and own names that the policy of a VLAN blocks, without those it counts",
    "vlan",
)
EXEMPTION_END = _gauge(
    "darban_exemption_end_timestamp_seconds", "When an exemption ends", "exemption"
)
LIST_ENTRIES = _gauge("darban_list_entries", "Blocking rules of a list", "list")
LISTS_REVIEWED = _gauge(
    "darban_lists_reviewed_timestamp_seconds",
    "The oldest review of a list, by the headers of the lists",
)
LIST_UPDATED = _gauge(
    "darban_list_updated_timestamp_seconds",
    "When a fetched list was last known to be up to date; 0 where there is no copy",
    "list",
)
LIST_FALLBACK = _gauge(
    "darban_list_fallback",
    "1 while an older copy of a fetched list is in force, since the newest is damaged",
    "list",
)
LIST_HELD = _gauge(
    "darban_list_held",
    "1 while what was fetched of a list is held: a large change, or one that breaks expectations",
    "list",
)
LIST_FAILURES = _counter("darban_list_failures", "Failed updates of a list", "list")
BLOCK_LOG_LOST = _counter(
    "darban_block_log_lost",
    "Records lost because the block log could not be written, or not fast enough",
)
BLOCK_PAGE_UP = _gauge(
    "darban_block_page_up", "1 while the block page is served on all addresses that it has"
)
PROXY_REJECTS = _counter(
    "darban_proxy_rejects",
    "Queries and connections dropped by proxied listeners: not from a listed server, or no header",
)
FAULTS = _gauge(
    "darban_faults", "Faults that the status shows, by kind: what an operator must look at", "kind"
)
ZONE_SERIAL = _gauge("darban_zone_serial", "The serial of a zone as it was written last", "zone")
ZONE_SERVED = _gauge(
    "darban_zone_served_serial",
    "The serial that Knot DNS serves; 0 where it does not answer for the zone",
    "zone",
)
POLICY_PULLED = _gauge(
    "darban_policy_pulled_timestamp_seconds",
    "When the policy was last pulled from git and was in force; 0 for never",
)
POLICY_EXPIRY = _gauge(
    "darban_policy_expiry_timestamp_seconds",
    "When the newest commit of the policy from git expires by [policy_source] expires_days",
)
POLICY_PULLS = _counter("darban_policy_pulls", "Pulls of the policy from git by result", "result")
CERTIFICATE_EXPIRY = _gauge(
    "darban_tls_certificate_expiry_timestamp_seconds",
    "When the certificate that DNS over TLS presents ends; 0 where it presents none",
)
WORKERS = _gauge("darban_workers", "Workers that serve")
WORKERS_EXPECTED = _gauge("darban_workers_expected", "Workers that should serve")
WORKER_RESTARTS = _counter("darban_worker_restarts", "Workers replaced")
SOCKET_DROPS = _counter(
    "darban_socket_drops",
    "Datagrams that the kernel dropped because the queue of a listening socket was full",
)
MEMORY = _gauge(
    "darban_resident_memory_bytes",
    "Octets in memory; the sum over the workers counts shared memory for each",
    "process",
)
BUILD_INFO = _gauge("darban_build_info", "The version that runs", "version", "compiled")

DURATION_BOUNDS = (
    *(0.00005, 0.0001, 0.00025, 0.0005),
    *(0.001, 0.0025, 0.005),
    *(0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5),
    *(1.0, 2.5),
)
"""Upper bounds of the histograms' buckets, in seconds; the last bucket has none."""

RELOAD_RESULTS = (
    *("applied", "unchanged", "refused", "held"),
    *("invalid", "needs_restart", "failed"),
)
"""``refused``: an expectation fails; ``held``: a list has a loss that nobody has accepted;
``invalid``: the config has errors; ``failed``: all else."""
PULL_RESULTS = ("applied", "unchanged", "refused", "failed")
"""``refused``: the commit must not be used; ``failed``: none could be fetched, and all else."""
UPSTREAM_ANSWERED = ("answered", "truncated")
UPSTREAM_UNANSWERED = ("failed", "timeout", "unreachable")
"""``failed``: an error such as SERVFAIL or REFUSED, or nothing that answers the question."""
UPSTREAM_FILTERED = second_answer.NATIONAL_FILTER
"""An answer with an address of the national filter, which is no sign that the server works."""
UPSTREAM_RESULTS = (*UPSTREAM_ANSWERED, *UPSTREAM_UNANSWERED, "mismatch", UPSTREAM_FILTERED)
DIFFERING_KINDS = second_answer.KINDS
BYPASS_KINDS = ("provider", "canary")
COUNTED_TYPES = frozenset(
    number for number in codes.TYPES if number not in (codes.OPT, codes.TSIG, codes.TKEY)
)
OTHER_TYPE = "other"
