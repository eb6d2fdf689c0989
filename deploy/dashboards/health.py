"""The dashboard of the server itself: does it answer, how fast, and what does it lack."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.dashboards.board import INSTANCE, VLAN, board, row
from deploy.dashboards.panels import (
    BAD,
    COUNT,
    GOOD,
    OCTETS,
    PER_SECOND,
    SECONDS,
    SHARE,
    WARN,
    About,
    heat,
    lines,
    listing,
    number,
    stacked,
)

_QUERIES = f"darban_queries_total{{{VLAN}}}"
_RESPONSES = f"darban_responses_total{{{VLAN}}}"
_FAILED = f'darban_responses_total{{{VLAN},rcode="SERVFAIL"}}'
_TYPES = f"darban_query_types_total{{{INSTANCE}}}"
_TOOK = f"darban_query_duration_seconds_bucket{{{INSTANCE}}}"
_ANSWERED = f"darban_query_duration_seconds_count{{{INSTANCE}}}"
_HITS = f"darban_cache_hits_total{{{INSTANCE}}}"
_MISSES = f"darban_cache_misses_total{{{INSTANCE}}}"
_ASKED = f"darban_upstream_queries_total{{{INSTANCE}}}"
_THEY_TOOK = f"darban_upstream_duration_seconds_bucket{{{INSTANCE}}}"
_DROPS = f"darban_socket_drops_total{{{INSTANCE}}}"


def health() -> Dashboard:
    """The dashboard."""
    made = board(
        "Darban: health",
        "darban-health",
        "Whether Darban answers, how fast, and what its workers, cache and upstreams do.",
        "now-6h",
        ["instance", "vlan"],
    )
    _now(made)
    _queries(made)
    _latency(made)
    _cache(made)
    _upstreams(made)
    _processes(made)
    return made


def _rate(series: str) -> str:
    return f"rate({series}[$__rate_interval])"


def _quantile(share: float, labels: str, buckets: str) -> str:
    return f"histogram_quantile({share}, sum by ({labels}) ({_rate(buckets)}))"


def _now(made: Dashboard) -> None:
    def size(title: str, text: str, unit: str = COUNT, decimals: int | None = None) -> About:
        return About(title, text, 3, 4, unit, decimals)

    row(
        made,
        "Now",
        number(
            size("Reached", "Instances that Prometheus reaches.", COUNT, 0),
            f'sum(up{{job="darban",{INSTANCE}}})',
            [(1, GOOD)],
            base=BAD,
        ),
        number(
            size("Workers missing", "Fewer than there should be: each is a CPU's worth."),
            f"sum(darban_workers_expected{{{INSTANCE}}} - darban_workers)",
            [(1, BAD)],
            base=GOOD,
        ),
        number(
            size("Queries a second", "Of the chosen VLANs.", PER_SECOND, 1),
            f"sum({_rate(_QUERIES)})",
        ),
        number(
            size("SERVFAIL", "Share of the responses. Usually an upstream's fault.", SHARE, 2),
            f"sum({_rate(_FAILED)}) / sum({_rate(_RESPONSES)})",
            [(0.01, WARN), (0.05, BAD)],
            base=GOOD,
        ),
        number(
            size("99 of 100 within", "Of all answers, those of upstreams included.", SECONDS),
            _quantile(0.99, "le", _TOOK),
            [(0.25, WARN), (1, BAD)],
            base=GOOD,
        ),
        number(
            size("Upstreams down", "Servers that answer no worker."),
            f"count(darban_upstream_up{{{INSTANCE}}} == 0) or vector(0)",
            [(1, BAD)],
            base=GOOD,
        ),
        number(
            size("Dropped", "By the kernel, since a socket's queue was full.", COUNT, 0),
            f"sum(increase({_DROPS}[$__range]))",
            [(1, WARN)],
            base=GOOD,
        ),
        listing(
            size("Version", "Which version runs where."),
            f"group by (instance, version) (darban_build_info{{{INSTANCE}}})",
            {"version": "Version"},
        ),
    )


def _queries(made: Dashboard) -> None:
    row(
        made,
        "Queries",
        stacked(
            About("Queries, by outcome", "What became of them.", 12, 8, PER_SECOND),
            [(f"sum by (outcome) ({_rate(_QUERIES)})", "{{outcome}}")],
        ),
        stacked(
            About("Responses, by rcode", "Dropped queries have none.", 12, 8, PER_SECOND),
            [(f"sum by (rcode) ({_rate(_RESPONSES)})", "{{rcode}}")],
        ),
        stacked(
            About("Queries, by type", "Rare types are counted as other.", 8, 8, PER_SECOND),
            [(f"topk(10, sum by (type) ({_rate(_TYPES)}) > 0)", "{{type}}")],
        ),
        stacked(
            About("Queries, by VLAN", "Of all outcomes.", 8, 8, PER_SECOND),
            [(f"sum by (vlan) ({_rate(_QUERIES)})", "{{vlan}}")],
        ),
        lines(
            About(
                "SERVFAIL, by VLAN",
                "Share of a VLAN's responses.",
                8,
                8,
                SHARE,
            ),
            [
                (
                    f"sum by (vlan) ({_rate(_FAILED)}) / sum by (vlan) ({_rate(_RESPONSES)})",
                    "{{vlan}}",
                )
            ],
            [(0.05, BAD)],
        ),
    )


def _latency(made: Dashboard) -> None:
    row(
        made,
        "Latency",
        lines(
            About(
                "Latency, of all answers",
                "Half, 90 and 99 of 100 answers came within this time after their query.",
                12,
                9,
                SECONDS,
            ),
            [(_quantile(share, "le", _TOOK), f"{share * 100:g} %") for share in (0.5, 0.9, 0.99)],
        ),
        heat(
            About(
                "Answers, by how long they took",
                "Each column is a moment; the darker, the more answers took that long.",
                12,
                9,
                SECONDS,
            ),
            f"sum by (le) (increase({_TOOK}[$__rate_interval]))",
        ),
        lines(
            About(
                "99 of 100 answers within, by path",
                "Prepared and cache are Darban's own time; upstream is that of others as well.",
                12,
                8,
                SECONDS,
            ),
            [(_quantile(0.99, "path, le", _TOOK), "{{path}}")],
        ),
        stacked(
            About(
                "Answers, by path",
                "Prepared: the same question again. Cache: known here. Upstream: asked for.",
                12,
                8,
                PER_SECOND,
            ),
            [(f"sum by (path) ({_rate(_ANSWERED)})", "{{path}}")],
        ),
    )


def _cache(made: Dashboard) -> None:
    row(
        made,
        "Cache",
        lines(
            About(
                "Found in the cache",
                "Share of look-ups. Prepared answers need none and are not among them.",
                8,
                8,
                SHARE,
            ),
            [
                (
                    f"sum by (instance) ({_rate(_HITS)}) / (sum by (instance) ({_rate(_HITS)}) "
                    f"+ sum by (instance) ({_rate(_MISSES)}))",
                    "{{instance}}",
                )
            ],
            most=1,
        ),
        lines(
            About("Answers in the cache", "Of all workers.", 8, 8, COUNT),
            [(f"sum by (instance) (darban_cache_entries{{{INSTANCE}}})", "{{instance}}")],
        ),
        lines(
            About(
                "Size of the cache",
                "Of all workers. [cache] max_bytes bounds that of each.",
                8,
                8,
                OCTETS,
            ),
            [(f"sum by (instance) (darban_cache_bytes{{{INSTANCE}}})", "{{instance}}")],
        ),
    )


def _upstreams(made: Dashboard) -> None:
    row(
        made,
        "Upstreams",
        stacked(
            About(
                "Asked, by result",
                "Truncated answers are asked for again over TCP; mismatched ones may be forged.",
                8,
                8,
                PER_SECOND,
            ),
            [(f"sum by (upstream, result) ({_rate(_ASKED)}) > 0", "{{upstream}} {{result}}")],
        ),
        lines(
            About("Latency of upstreams", "Half and 99 of 100 answers within.", 8, 8, SECONDS),
            [
                (_quantile(0.5, "upstream, le", _THEY_TOOK), "{{upstream}} 50 %"),
                (_quantile(0.99, "upstream, le", _THEY_TOOK), "{{upstream}} 99 %"),
            ],
        ),
        lines(
            About("Upstreams up", "1 while a server answers any worker.", 8, 8, COUNT, 0),
            [(f"min by (upstream) (darban_upstream_up{{{INSTANCE}}})", "{{upstream}}")],
            most=1,
        ),
    )


def _processes(made: Dashboard) -> None:
    row(
        made,
        "Processes",
        lines(
            About("Workers", "Those that answer, and those that should.", 6, 8, COUNT, 0),
            [
                (f"sum by (instance) (darban_workers{{{INSTANCE}}})", "{{instance}}"),
                (
                    f"sum by (instance) (darban_workers_expected{{{INSTANCE}}})",
                    "{{instance}} expected",
                ),
            ],
        ),
        lines(
            About(
                "Workers replaced",
                "Since they ended or stood still; the log says which.",
                6,
                8,
                COUNT,
                0,
            ),
            [
                (
                    "sum by (instance) "
                    f"(increase(darban_worker_restarts_total{{{INSTANCE}}}[$__rate_interval]))",
                    "{{instance}}",
                )
            ],
        ),
        stacked(
            About("Memory", "What processes share counts for each.", 6, 8, OCTETS),
            [
                (
                    f"sum by (process) (darban_resident_memory_bytes{{{INSTANCE}}})",
                    "{{process}}",
                )
            ],
        ),
        lines(
            About(
                "Dropped by the kernel",
                "Datagrams that no longer fitted a listening socket's queue.",
                6,
                8,
                PER_SECOND,
            ),
            [(f"sum by (instance) ({_rate(_DROPS)})", "{{instance}}")],
        ),
    )
