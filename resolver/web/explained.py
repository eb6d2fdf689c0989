"""What a look-up shows of an explanation: in English as ``darban explain``, or in Persian.

What a person types or looks for elsewhere stays as it is: rules, files, addresses, and what the
client receives, which is as dig shows it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from resolver.analysis.explanation import Explanation
from resolver.web.formatting import Formatting
from resolver.web.titles import Titles

HEADINGS: Final[Mapping[str, str]] = {
    "client": "کاربر",
    "vlan": "VLAN",
    "policy": "خط‌مشی",
    "service": "سرویس",
    "rule": "قاعده",
    "list": "فهرست",
    "line": "سطر",
    "directive": "بخشنامه",
    "contact": "تماس",
    "exemption": "معافیت",
    "hours": "ساعات",
    "blocked": "مسدود",
    "counted": "شمرده",
    "until": "تا",
    "matched": "نام منطبق",
    "targets": "مقصدهای پاسخ",
    "answer": "پاسخ سرور بالادست",
    "decided by": "علت",
    "receives": "پاسخ به کاربر",
    "upstream": "سرور بالادست",
}
"""The Persian headings of ``Explanation.facts``."""
STEPS: Final[Mapping[str, str]] = {
    "no_vlan": "این نشانی در هیچ VLAN نیست",
    "no_interface": "نشانی link-local است و هیچ VLAN رابط آن را ندارد",
    "no_delegation": "رکورد DS ناحیه‌ای با سرورهای خود است که از سرورهای بالاتر پرسیده نمی‌شود",
    "local_alias": "نام مستعار محلی {zone}: مقصد آن پرسیده و با خط‌مشی سنجیده می‌شود",
    "local_record": "رکورد محلی {zone}: پاسخ همین سرور، بدون خط‌مشی",
    "special_use": "نام ویژهٔ {zone}: پاسخ همین سرور، بدون خط‌مشی",
    "rebinding": "نشانی خصوصی برای نامی عمومی (rebinding_protection در {section})",
    "exemption": "معافیت {exemption}",
    "exemption_of_vlan": "معافیت این VLAN",
    "deny": "نام‌های مسدود (deny) در خط‌مشی {policy}",
    "default": "پیش‌فرض خط‌مشی {policy}",
    "list": "فهرست {file}، سطر {line}",
    "counted_list": "خط‌مشی {policy} این سرویس را فقط می‌شمارد: فهرست {file}، سطر {line}",
    "allow": "نام‌های مجاز (allow) در خط‌مشی {policy}",
    "allowed_list": "سرویس مجاز (allow) در خط‌مشی {policy}: فهرست {file}، سطر {line}",
    "other_hours": "خط‌مشی {policy} این سرویس را {hours} مسدود می‌کند",
    "counted_at_other_hours": "خط‌مشی {policy} این سرویس را {hours} می‌شمارد",
    "own_name": "از نام‌های خودِ شبکه است که پیش‌فرض خط‌مشی {policy} آن‌ها را در بر نمی‌گیرد",
    "no_rule": "هیچ قاعده‌ای از خط‌مشی {policy} این نام را در بر نمی‌گیرد",
}
"""The Persian texts of the kinds of ``analysis.step``."""
_VALUES: Final = {
    "checked": "بررسی شده",
    "not checked": "بررسی نشده",
    "what the upstream answers": "همان پاسخ سرور بالادست",
    "unknown": "ناشناس",
}


def facts(found: Explanation, titles: Titles, language: str) -> dict[str, str]:
    """The facts of an explanation by their headings."""
    if language != "fa":
        return found.facts()
    persian = _Persian(titles)
    return {
        HEADINGS[key]: persian.step(found) if key == "decided by" else persian.value(key, text)
        for key, text in found.facts().items()
    }


class _Persian:
    """Values of an explanation in Persian."""

    def __init__(self, titles: Titles) -> None:
        self._titles = titles
        self._formatting = Formatting("fa")

    def value(self, key: str, text: str) -> str:
        """A value by its English heading."""
        match key:
            case "vlan":
                return _VALUES.get(text) or self._titles.vlan(text)
            case "policy":
                return self._titles.policy(text)
            case "service":
                return self._titles.service(text)
            case "line" | "directive":
                return self._formatting.digits(text)
            case "hours" | "blocked" | "counted":
                return "، ".join(map(_hours, text.split(", ")))
            case "until":
                return self._formatting.moment(datetime.fromisoformat(text).timestamp())
            case "targets" | "receives":
                return _VALUES.get(text, text)
            case _:
                return text

    def step(self, found: Explanation) -> str:
        """The step that decided."""
        step = found.decided_by
        values = {key: self.value(key, text) for key, text in step.values.items()}
        return STEPS[step.kind].format(**values)


def _hours(text: str) -> str:
    """Hours as ``BlockingHours`` writes them: ``within office``."""
    kind, _, name = text.partition(" ")
    return f"{'خارج از ساعات' if kind == 'outside' else 'در ساعات'} {name}"
