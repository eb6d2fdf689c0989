"""``python -m deploy.dashboards``: writes each dashboard as Grafana reads it."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.dashboards.health import health
from deploy.dashboards.policy import policy

PLACE = Path(__file__).parents[1] / "grafana" / "dashboards"
BOARDS: Mapping[str, Callable[[], Dashboard]] = {"policy": policy, "health": health}


def written() -> Iterator[tuple[Path, str]]:
    """Each dashboard's file, and what is to be in it."""
    for name, make in BOARDS.items():
        built = make().build()
        for number, panel in enumerate(built.panels or [], 1):
            panel.id_val = number
        yield PLACE / f"{name}.json", json.dumps(built, cls=JSONEncoder, indent=2) + "\n"


def main() -> None:
    """Write them all."""
    for path, text in written():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(Path.cwd())}\n")


if __name__ == "__main__":
    main()
