"""``python -m tests.audit.figures.save_figures``: a file of figures for later releases."""

import gzip
import tempfile
from collections import Counter
from pathlib import Path

from resolver.audit.figures.counts import (
    Figures,
    HourCount,
    HourFigures,
    Labels,
    Minute,
    SelfTestResult,
)
from resolver.audit.figures.store import FigureStore
from resolver.audit.figures.tables import VERSION
from tests.audit.figures.synthetic import ABAN, HOUR, POLICY

PLACE = Path(__file__).parent
ZONE = "Asia/Tehran"
NODE = "ns1.agency.example"
COUNTS = (
    HourCount(ABAN, "staff", "", "passed", 400),
    HourCount(ABAN, "staff", "telegram", "blocked", 1 << 40),
    HourCount(ABAN + HOUR, "unknown", "", "refused", 2),
)
MINUTES = (
    Minute(ABAN, POLICY, serving=True, tested=SelfTestResult.HELD),
    Minute(ABAN + 60, POLICY, serving=False, tested=SelfTestResult.FAILED),
    Minute(ABAN + HOUR, "", serving=True, tested=SelfTestResult.UNTESTED),
)
SAVED = Figures(NODE, ZONE, COUNTS, MINUTES, ())
"""What each stored file has."""


def add_to(directory: Path) -> None:
    """Add these figures, an hour after the other."""
    for hour in (ABAN, ABAN + HOUR):
        of_hour = HourFigures(hour, Counter())
        for count in COUNTS:
            if count.hour == hour:
                of_hour.counts[Labels(count.vlan, count.service, count.outcome)] = count.queries
        of_hour.minutes = [minute for minute in MINUTES if hour <= minute.at < hour + HOUR]
        FigureStore(directory, NODE).add(of_hour, ZONE)


def main() -> None:
    """Store the file of this version of the tables."""
    with tempfile.TemporaryDirectory() as place:
        add_to(Path(place))
        (path,) = Path(place).iterdir()
        packed = gzip.compress(path.read_bytes(), mtime=0)
    (PLACE / f"version-{VERSION}.sqlite.gz").write_bytes(packed)


if __name__ == "__main__":
    main()
