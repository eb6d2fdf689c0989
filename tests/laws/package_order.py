"""The packages in their order, as ARCHITECTURE.md has it."""

ORDER = (
    ("",),
    ("dns", "system"),  # names and packets; this host
    ("policy", "lists", "transport"),  # verdicts; what block lists say; loop, streams, TLS
    ("exchange", "config", "snapshot"),  # one question; config.toml; what is stored on disk
    ("engine", "fetch"),  # one query in order; lists and the policy from elsewhere
    ("analysis", "metrics", "publish"),  # explain, diff; counters, status; other resolvers
    ("compiler", "audit", "upstream"),  # a snapshot made; what was in force; sockets to upstreams
    ("server", "web"),  # clients of DNS and the worker; pages
    ("supervisor",),  # the worker processes, and one snapshot after another in them
    ("cli",),
    ("__main__",),
)
