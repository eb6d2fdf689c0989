"""Counts of a status per second, between two readings of the same server."""

from resolver.metrics.status import Status, UpstreamStatus

_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"))

Key = tuple[str, ...]


class Rates:
    """Counts per second, as texts; empty where there is no earlier reading."""

    def __init__(self, now: Status, before: Status | None) -> None:
        self.known = before is not None and before.started == now.started and now.at > before.at
        """Whether there is an earlier reading of the same server."""
        earlier = before if self.known else None
        self._seconds = 1.0 if earlier is None else now.at - earlier.at
        self._now = _counts(now)
        self._before = {} if earlier is None else _counts(earlier)

    def column(self, cell: str) -> tuple[str, ...]:
        """A cell of a column of rates; no cell where there is no earlier reading."""
        return (cell,) if self.known else ()

    def rate(self, *key: str) -> str:
        """Queries per second: of all, or by ``vlan``, name, outcome and service."""
        if not self.known:
            return ""
        rate = max(0.0, self._since(*key) / self._seconds)
        return short_number(round(rate)) if rate >= 10 or rate == 0 else f"{rate:.1f}"

    def upstream(self, upstream: UpstreamStatus) -> tuple[str, float | None]:
        """Queries per second, and the latency between the readings (else since the start)."""
        name = upstream.name
        if ("upstream", name) not in self._before:
            return "", upstream.latency
        answered = self._since("answered", name)
        latency = self._since("seconds", name) / answered if answered else upstream.latency
        return self.rate("upstream", name), latency

    def _since(self, *key: str) -> float:
        return self._now.get(key, 0) - self._before.get(key, 0)


def _counts(status: Status) -> dict[Key, float]:
    counts: dict[Key, float] = {(): status.queries}
    for vlan in status.vlans:
        counts["vlan", vlan.name] = vlan.queries
        for outcome, queries in vlan.outcomes.items():
            counts["vlan", vlan.name, outcome] = queries
        for service in vlan.services:
            counts["vlan", vlan.name, service.outcome, service.service] = service.queries
    for upstream in status.upstreams:
        counts["upstream", upstream.name] = upstream.queries
        counts["answered", upstream.name] = upstream.answered
        counts["seconds", upstream.name] = upstream.seconds
    return counts


def short_number(number: int) -> str:
    """A count that fits a column: exact below ten million."""
    if number < 10_000_000:
        return f"{number:,}"
    size, unit = next(each for each in _UNITS if number >= each[0])
    return f"{number / size:.4g}{unit}"
