"""Numbers, dates and times as each language's readers expect them."""

import datetime as dt

from resolver.web import solar_hijri

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_PERSIAN_MONTHS = (
    *("ژانویهٔ", "فوریهٔ", "مارس", "آوریل", "مهٔ", "ژوئن", "ژوئیهٔ"),
    *("اوت", "سپتامبر", "اکتبر", "نوامبر", "دسامبر"),
)
_SPANS = ((86400, "d", "روز"), (3600, "h", "ساعت"), (60, "min", "دقیقه"), (1, "s", "ثانیه"))
_SIZES = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
_THOUSANDS = str.maketrans(",.%", "٬٫٪")


class Writing:
    """How one language writes."""

    def __init__(self, code: str) -> None:
        self._persian = code == "fa"

    def text(self, value: str) -> str:
        """A text with its digits as the language has them."""
        return solar_hijri.digits(value) if self._persian else value

    def number(self, value: int) -> str:
        """A count, all of its digits in groups."""
        return self._figures(f"{value:,}")

    def share(self, part: int, whole: int) -> str:
        """A part in percent; of nothing it is a dash."""
        return self._figures(f"{100 * part / whole:.1f}%") if whole else "–"

    def milliseconds(self, seconds: float) -> str:
        """A short time."""
        unit = "میلی‌ثانیه" if self._persian else "ms"
        return f"{self._figures(f'{seconds * 1000:,.1f}')} {unit}"

    def size(self, octets: int) -> str:
        """A size in the largest unit that it fills, else in the smallest."""
        size, unit = next((each for each in _SIZES if octets >= each[0]), _SIZES[-1])
        return f"{self._figures(f'{octets / size:,.1f}')} {unit}"

    def span(self, seconds: float) -> str:
        """A time in its two largest units."""
        rest = max(0, int(seconds))
        parts: list[str] = []
        for length, unit, persian in _SPANS:
            many, rest = divmod(rest, length)
            if many or (length == 1 and not parts):
                parts.append(self.text(f"{many} {persian if self._persian else unit}"))
        return (" و " if self._persian else " ").join(parts[:2])

    def day(self, day: dt.date) -> str:
        """A day in both calendars, the language's own first."""
        year, month, of_month = solar_hijri.of(day)
        if not self._persian:
            other = f"{of_month} {solar_hijri.MONTHS[month - 1]} {year}"
        else:
            other = f"{day.day} {_PERSIAN_MONTHS[day.month - 1]} {day.year}"
        return self.text(f"{self.short_day(day)} ({other})")

    def short_day(self, day: dt.date) -> str:
        """A day in the language's own calendar."""
        if not self._persian:
            return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
        year, month, of_month = solar_hijri.of(day)
        return self.text(f"{of_month} {solar_hijri.PERSIAN_MONTHS[month - 1]} {year}")

    def moment(self, seconds: float) -> str:
        """A moment by this host's clock."""
        at = dt.datetime.fromtimestamp(seconds).astimezone()
        comma = "،" if self._persian else ","
        return self.text(f"{self.short_day(at.date())}{comma} {at:%H:%M %Z}")

    def _figures(self, text: str) -> str:
        return self.text(text.translate(_THOUSANDS) if self._persian else text)
