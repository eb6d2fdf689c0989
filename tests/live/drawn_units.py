"""Values as Grafana writes them, by the units that the dashboards name."""

from collections.abc import Mapping
from typing import Any

_OCTETS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_DURATIONS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def written(value: float, defaults: Mapping[str, Any], now: float) -> str:
    """A value in the unit of a panel."""
    unit, decimals = defaults["unit"], defaults.get("decimals")
    match unit:
        case "percentunit":
            return f"{_number(value * 100, decimals)}%"
        case "s":
            return _in_steps(value, _SECONDS)
        case "bytes":
            return _in_steps(value, _OCTETS)
        case "dtdurations":
            return _duration(value)
        case "dateTimeFromNow":
            return f"{_duration(now - value / 1000, 1)} ago"
        case "short":
            return _number(value, decimals)
    assert unit.startswith("suffix:"), unit
    return _number(value, decimals) + unit.removeprefix("suffix:")


def _number(value: float, decimals: int | None) -> str:
    if decimals is not None:
        return f"{value:,.{decimals}f}"
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.3g}"


def _in_steps(value: float, steps: tuple[tuple[float, str], ...]) -> str:
    for size, name in steps:
        if value >= size:
            return f"{value / size:.3g} {name}"
    return f"{value / steps[-1][0]:.3g} {steps[-1][1]}" if value else "0"


def _duration(seconds: float, parts: int = 2) -> str:
    told, left = [], int(seconds)
    for size, name in _DURATIONS:
        count, left = divmod(left, size)
        if count and len(told) < parts:
            told.append(f"{count} {name}{'s' if count > 1 else ''}")
    return ", ".join(told) or "0 seconds"
