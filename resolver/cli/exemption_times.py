"""When an exemption begins and ends, as the command line of ``darban exempt`` says it."""

import datetime as dt
from typing import NamedTuple

from resolver import DarbanError
from resolver.cli.moments import moment_text, parse_duration, parse_moment


class ExemptionTimes(NamedTuple):
    """The options that say when an exemption is in force."""

    from_: str | None
    hours: str | None
    for_: str | None
    until: str | None

    def fields(self) -> dict[str, object]:
        """The fields of a new exemption."""
        begin = None if self.from_ is None else parse_moment(self.from_)
        said = {"from": begin, "hours": self.hours, "until": self.end(begin)}
        return {key: value for key, value in said.items() if value is not None}

    def end(self, begin: dt.datetime | None = None) -> dt.datetime:
        """The moment that one of two options means; TIME is from ``begin``.

        It is a whole minute, the next one where seconds are left: people read and type minutes,
        and two servers must have the same moment.
        """
        now = dt.datetime.now().astimezone().replace(microsecond=0)
        said = (self.for_, self.until)
        if said.count(None) != 1:
            raise DarbanError("say how long: --for 2h, or --until 1405-12-29T18:00")
        try:
            if self.for_ is None:
                end = parse_moment(str(self.until))
            else:
                end = (begin or now) + parse_duration(self.for_)
            whole = _next_minute(end)
        except OverflowError:
            raise DarbanError(f"'{self.for_ or self.until}' is too long") from None
        if end <= now:
            passed = moment_text(end.timestamp())
            raise DarbanError(f"{passed} has passed: the exemption would have ended")
        if begin is not None and end <= begin:
            ends, begins = moment_text(end.timestamp()), moment_text(begin.timestamp())
            raise DarbanError(f"{ends} is not after {begins}, its beginning")
        return whole


def _next_minute(moment: dt.datetime) -> dt.datetime:
    """The first whole minute that is not before a moment."""
    begun = moment.replace(second=0, microsecond=0)
    return begun if begun == moment else begun + dt.timedelta(minutes=1)
