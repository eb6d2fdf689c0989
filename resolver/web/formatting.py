"""Numbers, dates and times as the readers of a language expect them."""

import datetime as dt

from resolver.system import solar_hijri
from resolver.system.english import share_text, span_parts, span_text

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_PERSIAN_MONTHS = (
    *("ژانویهٔ", "فوریهٔ", "مارس", "آوریل", "مهٔ", "ژوئن", "ژوئیهٔ"),
    *("اوت", "سپتامبر", "اکتبر", "نوامبر", "دسامبر"),
)
_PERSIAN_UNITS = {"d": "روز", "h": "ساعت", "min": "دقیقه", "s": "ثانیه"}
_SIZES = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
_SEPARATORS = str.maketrans(",.%", "٬٫٪")


class Formatting:
    """The formats of one language."""

    def __init__(self, language: str, zone: dt.tzinfo | None = None) -> None:
        """``zone`` is the time zone of all moments; None for this host's."""
        self._persian = language == "fa"
        self._zone = zone

    def digits(self, text: str) -> str:
        """A text with its digits as the language writes them."""
        return solar_hijri.digits(text) if self._persian else text

    def number(self, value: int) -> str:
        """A count, its digits in groups of three."""
        return self._figures(f"{value:,}")

    def percent(self, part: int, whole: int) -> str:
        """A part of a whole in percent; a dash if the whole is 0. Less than all is never 100%."""
        return self._figures(share_text(part / whole)) if whole else "–"

    def change(self, now: int, before: int) -> str:
        """By how many percent a count has grown or shrunk; a dash if it was 0."""
        if not before:
            return "–"
        sign = "+" if now > before else "−" if now < before else ""
        return self._figures(f"{sign}{100 * abs(now - before) / before:,.0f}%")

    def milliseconds(self, seconds: float) -> str:
        """A time in milliseconds."""
        unit = "میلی‌ثانیه" if self._persian else "ms"
        return f"{self._figures(f'{seconds * 1000:,.1f}')} {unit}"

    def size(self, octets: int) -> str:
        """A size in the largest unit of which it holds at least one, or in KiB."""
        size, unit = next((pair for pair in _SIZES if octets >= pair[0]), _SIZES[-1])
        return f"{self._figures(f'{octets / size:,.1f}')} {unit}"

    def span(self, seconds: float) -> str:
        """A length of time in its two largest units."""
        if not self._persian:
            return span_text(seconds)
        parts = (f"{number} {_PERSIAN_UNITS[unit]}" for number, unit in span_parts(seconds))
        return self.digits(" و ".join(parts))

    def both_days(self, iso: str) -> str:
        """A day such as 2015-02-18 in both calendars, the language's own first."""
        day = dt.date.fromisoformat(iso)
        year, month, of_month = solar_hijri.of(day)
        if self._persian:
            other = f"{day.day} {_PERSIAN_MONTHS[day.month - 1]} {day.year}"
        else:
            other = f"{of_month} {solar_hijri.MONTHS[month - 1]} {year}"
        return self.digits(f"{self._day(day)} ({other})")

    def day(self, iso: str) -> str:
        """A day such as 2015-02-18 in the language's own calendar."""
        return self._day(dt.date.fromisoformat(iso))

    def month(self, name: str) -> str:
        """A month of either calendar, such as 1405-08 or 2026-11, in its own calendar."""
        year, month = map(int, name.split("-"))
        if year in solar_hijri.YEARS:
            names = solar_hijri.PERSIAN_MONTHS if self._persian else solar_hijri.MONTHS
        else:
            names = _PERSIAN_MONTHS if self._persian else _MONTHS
        return self.digits(f"{names[month - 1]} {year}")

    def day_of_month(self, iso: str) -> str:
        """The number that a day such as 2015-02-18 has in its month, in the own calendar."""
        day = dt.date.fromisoformat(iso)
        return self.digits(str(solar_hijri.of(day)[2] if self._persian else day.day))

    def moment(self, seconds: float) -> str:
        """A moment, in seconds since 1970."""
        at = self._at(seconds)
        return f"{self.plain_moment(seconds)} {self.digits(_zone(at))}"

    def plain_moment(self, seconds: float) -> str:
        """A moment without its time zone, for a page that names the zone."""
        at = self._at(seconds)
        return self.digits(f"{self._day(at.date())}{'،' if self._persian else ','} {at:%H:%M}")

    def both_moments(self, seconds: float) -> str:
        """A moment, its day in both calendars."""
        at = self._at(seconds)
        return self.digits(f"{self.both_days(at.date().isoformat())} {at:%H:%M}")

    def days_since(self, iso: str, at: float) -> int:
        """The days from a day such as 2015-02-18 to a moment, by this host's clock."""
        today = dt.datetime.fromtimestamp(at).astimezone().date()
        return (today - dt.date.fromisoformat(iso)).days

    def _at(self, seconds: float) -> dt.datetime:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).astimezone(self._zone)

    def _day(self, day: dt.date) -> str:
        if not self._persian:
            return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
        year, month, of_month = solar_hijri.of(day)
        return self.digits(f"{of_month} {solar_hijri.PERSIAN_MONTHS[month - 1]} {year}")

    def _figures(self, text: str) -> str:
        return self.digits(text.translate(_SEPARATORS) if self._persian else text)


def _zone(at: dt.datetime) -> str:
    """The time zone of a moment: its abbreviation, such as UTC, or its offset from UTC."""
    name = f"{at:%Z}"  # Asia/Tehran has +0330
    hours, minutes = name[:3], name[3:]
    return name if name.isalpha() else f"UTC{hours}:{minutes}" if minutes else f"UTC{hours}"
