"""All metrics: each has its name, text and labels here, and nowhere else.

The config bounds the labels: VLANs, services, upstreams, lists, exemptions. No label ever carries a
domain name or a client.
"""

from typing import NamedTuple

from resolver.dns import codes


class Metric(NamedTuple):
    """A metric; the name of a counter is without ``_total``."""

    name: str
    kind: str
    text: str
    labels: tuple[str, ...] = ()


QUERIES = Metric(
    "darban_queries",
    "counter",
    "Queries by outcome and by the service whose rule matched",
    ("vlan", "outcome", "service"),
)
RESPONSES = Metric("darban_responses", "counter", "Responses by rcode", ("vlan", "rcode"))
TYPES = Metric("darban_query_types", "counter", "Queries by record type", ("type",))
DURATION = Metric(
    "darban_query_duration_seconds",
    "histogram",
    "Seconds from receiving a query to sending its reply, by path: cache or upstream",
    ("path",),
)
BYPASS = Metric(
    "darban_bypass_attempts",
    "counter",
    "Blocked or audited queries for ways around this resolver: encrypted DNS and canary names",
    ("vlan", "kind"),
)
CACHE_ENTRIES = Metric("darban_cache_entries", "gauge", "Entries in the caches of all workers")
CACHE_BYTES = Metric("darban_cache_bytes", "gauge", "Octets in the caches of all workers")
CACHE_HITS = Metric("darban_cache_hits", "counter", "Cache look-ups that found an entry")
CACHE_MISSES = Metric("darban_cache_misses", "counter", "Cache look-ups that found no entry")
UPSTREAM_QUERIES = Metric(
    "darban_upstream_queries",
    "counter",
    "Queries to upstream servers, by result",
    ("upstream", "result"),
)
UPSTREAM_DURATION = Metric(
    "darban_upstream_duration_seconds",
    "histogram",
    "Seconds until an upstream server answered",
    ("upstream",),
)
UPSTREAM_UP = Metric(
    "darban_upstream_up",
    "gauge",
    "1 while an upstream server answers any worker that asked it",
    ("upstream",),
)
CONFIG_OK = Metric(
    "darban_config_ok", "gauge", "1 while the config is in force, with all its lists"
)
RELOADS = Metric("darban_reloads", "counter", "Reloads by result", ("result",))
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
    "Services and own names that the policy of a VLAN blocks; 0 where it blocks nothing",
    ("vlan",),
)
EXEMPTION_END = Metric(
    "darban_exemption_end_timestamp_seconds", "gauge", "When an exemption ends", ("exemption",)
)
LIST_ENTRIES = Metric("darban_list_entries", "gauge", "Blocking rules of a list", ("list",))
LIST_UPDATED = Metric(
    "darban_list_updated_timestamp_seconds",
    "gauge",
    "When a list was last known to be up to date",
    ("list",),
)
LIST_FAILURES = Metric("darban_list_failures", "counter", "Failed updates of a list", ("list",))
BLOCK_LOG_LOST = Metric(
    "darban_block_log_lost",
    "counter",
    "Records lost because the block log could not be written, or not fast enough",
)
WORKERS = Metric("darban_workers", "gauge", "Workers that serve")
WORKERS_EXPECTED = Metric("darban_workers_expected", "gauge", "Workers that should serve")
WORKER_RESTARTS = Metric("darban_worker_restarts", "counter", "Workers replaced")
SOCKET_DROPS = Metric(
    "darban_socket_drops",
    "counter",
    "Datagrams that the kernel dropped because the queue of a listening socket was full",
)
MEMORY = Metric(
    "darban_resident_memory_bytes",
    "gauge",
    "Octets in memory; the sum over the workers counts shared memory for each",
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
"""``refused``: an expectation fails; ``invalid``: the config has errors; ``failed``: all else."""
UPSTREAM_RESULTS = ("answered", "truncated", "failed", "timeout", "mismatch", "unreachable")
BYPASS_KINDS = ("provider", "canary")
COUNTED_TYPES = frozenset(
    number for number in codes.TYPES if number not in (codes.OPT, codes.TSIG, codes.TKEY)
)
OTHER_TYPE = "other"
