"""Every metric by its name, declared once: what it counts and which labels it has.

Labels are bounded by the config: VLANs, services, upstreams, lists, exemptions. No label
ever carries a domain name or a client.
"""

from typing import NamedTuple

from resolver.dns import codes


class Metric(NamedTuple):
    """A metric as Prometheus is told of it; a counter's name is without its ``_total``."""

    name: str
    kind: str
    text: str
    labels: tuple[str, ...] = ()


QUERIES = Metric(
    "darban_queries",
    "counter",
    "Queries by what became of them and the service that a rule matched",
    ("vlan", "outcome", "service"),
)
RESPONSES = Metric("darban_responses", "counter", "Responses by rcode", ("vlan", "rcode"))
TYPES = Metric("darban_query_types", "counter", "Queries by record type", ("type",))
DURATION = Metric(
    "darban_query_duration_seconds",
    "histogram",
    "Seconds from a query's arrival to its answer, by how far it had to go",
    ("path",),
)
BYPASS = Metric(
    "darban_bypass_attempts",
    "counter",
    "Blocked look-ups of ways around this resolver: encrypted DNS providers and canaries",
    ("vlan", "kind"),
)
CACHE_ENTRIES = Metric("darban_cache_entries", "gauge", "Answers in the caches of all workers")
CACHE_BYTES = Metric("darban_cache_bytes", "gauge", "Octets in the caches of all workers")
CACHE_HITS = Metric("darban_cache_hits", "counter", "Cache look-ups that found an answer")
CACHE_MISSES = Metric("darban_cache_misses", "counter", "Cache look-ups that found none")
UPSTREAM_QUERIES = Metric(
    "darban_upstream_queries",
    "counter",
    "Queries sent to upstream servers, by how they ended",
    ("upstream", "result"),
)
UPSTREAM_DURATION = Metric(
    "darban_upstream_duration_seconds",
    "histogram",
    "Seconds that upstream servers took to answer",
    ("upstream",),
)
UPSTREAM_UP = Metric(
    "darban_upstream_up",
    "gauge",
    "1 while an upstream server answers any worker that asked it",
    ("upstream",),
)
CONFIG_OK = Metric("darban_config_ok", "gauge", "1 while the config in the file is in force")
RELOADS = Metric("darban_reloads", "counter", "Reloads by what came of them", ("result",))
SNAPSHOT_INFO = Metric("darban_snapshot_info", "gauge", "The snapshot in force", ("hash",))
SNAPSHOT_LOADED = Metric(
    "darban_snapshot_loaded_timestamp_seconds", "gauge", "When the snapshot was put in force"
)
VLAN_INFO = Metric(
    "darban_vlan_info", "gauge", "The VLANs as configured", ("vlan", "id", "policy", "mode")
)
VLAN_BANS = Metric(
    "darban_vlan_bans",
    "gauge",
    "Services and names of its own that a VLAN's policy blocks; 0 where it blocks nothing",
    ("vlan",),
)
EXEMPTION_END = Metric(
    "darban_exemption_end_timestamp_seconds", "gauge", "When an exemption ends", ("exemption",)
)
LIST_ENTRIES = Metric("darban_list_entries", "gauge", "Blocking rules of a list", ("list",))
LIST_UPDATED = Metric(
    "darban_list_updated_timestamp_seconds",
    "gauge",
    "When a list was last brought up to date",
    ("list",),
)
LIST_FAILURES = Metric(
    "darban_list_failures", "counter", "Attempts to bring a list up to date that failed", ("list",)
)
BLOCK_LOG_LOST = Metric(
    "darban_block_log_lost",
    "counter",
    "Records that the block log lost, since its file could not be written or not fast enough",
)
WORKERS = Metric("darban_workers", "gauge", "Workers that are alive and answering")
WORKERS_EXPECTED = Metric("darban_workers_expected", "gauge", "Workers that should be")
WORKER_RESTARTS = Metric("darban_worker_restarts", "counter", "Workers replaced")
SOCKET_DROPS = Metric(
    "darban_socket_drops",
    "counter",
    "Datagrams that the kernel dropped since the queue of a listening socket was full",
)
MEMORY = Metric(
    "darban_resident_memory_bytes",
    "gauge",
    "Octets in memory, the workers' added up; what they share counts for each",
    ("process",),
)
BUILD_INFO = Metric("darban_build_info", "gauge", "The version that runs", ("version", "compiled"))

DURATION_BOUNDS = (
    *(0.00005, 0.0001, 0.00025, 0.0005),
    *(0.001, 0.0025, 0.005),
    *(0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5),
    *(1.0, 2.5),
)
"""Upper bounds of the histograms' buckets, in seconds; the last bucket has none."""

RELOAD_RESULTS = ("applied", "unchanged", "refused", "invalid", "needs_restart", "failed")
"""Refused is what an expectation forbids, invalid what has errors; failed is no fault of it."""
UPSTREAM_RESULTS = ("answered", "truncated", "failed", "timeout", "mismatch", "unreachable")
BYPASS_KINDS = ("provider", "canary")
COUNTED_TYPES = frozenset(
    number for number in codes.TYPES if number not in (codes.OPT, codes.TSIG, codes.TKEY)
)
OTHER_TYPE = "other"
