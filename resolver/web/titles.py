"""What a page calls services, categories, VLANs and policies in its language.

In Persian, a VLAN and a policy have the title that the config gives them, and a service that of its
list. In English, each has the name by which the config knows it: titles are in the language of the
agency, which who asks for English may not read. What has no title has its name.
"""

from collections.abc import Iterable

from resolver.policy.compiled import CompiledConfig

_PERSIAN_CATEGORIES = {
    "messenger": "پیام‌رسان‌ها",
    "social-network": "شبکه‌های اجتماعی",
    "workplace-chat": "گفت‌وگوی سازمانی",
    "encrypted-dns": "DNS رمزشده",
    "updates": "به‌روزرسانی‌ها",
    "connectivity": "آزمون اتصال",
}
"""Those of the shipped lists."""


class Titles:
    """The titles of a policy in a language."""

    def __init__(self, compiled: CompiledConfig, language: str) -> None:
        is_persian = language == "fa"
        self._services = {
            service.name: service.persian for service in compiled.services if is_persian
        }
        self._categories = _PERSIAN_CATEGORIES if is_persian else {}
        self._vlans = {vlan.name: vlan.title for vlan in compiled.vlans if is_persian}
        self._policies = {policy.name: policy.title for policy in compiled.policies if is_persian}
        self._comma = "، " if is_persian else ", "

    def service(self, name: str) -> str:
        """A service by its name."""
        return self._services.get(name) or name

    def category(self, name: str) -> str:
        """A category by its name."""
        return self._categories.get(name, name)

    def reference(self, text: str) -> str:
        """What a config refers to: a service, an @category, or a name or a rule as it is."""
        if text.startswith("@"):
            return self._categories.get(text[1:], text)
        return self.service(text)

    def references(self, texts: Iterable[str]) -> str:
        """Several of them in a row."""
        return self._comma.join(map(self.reference, texts))

    def vlan(self, name: str) -> str:
        """A VLAN by its name."""
        return self._vlans.get(name) or name

    def vlans(self, names: Iterable[str]) -> str:
        """Several VLANs in a row."""
        return self._comma.join(map(self.vlan, names))

    def policy(self, name: str) -> str:
        """A policy by its name."""
        return self._policies.get(name) or name
