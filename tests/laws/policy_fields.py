"""A plugin of mypy: the fields of a compiled policy that decide are read in ``policy/`` only.

All others read what the policy does (``policy.effect``), what is in force (``policy.moment``), or
values for people (``policy.description``, ``policy.exemption_details``). mypy knows the type of
what a field is read from, so a field may have the name of a key of the config.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from mypy.nodes import Var
from mypy.plugin import AttributeContext, Plugin
from mypy.types import Instance, Type, get_proper_type

FOR_PEOPLE: Final[Mapping[str, frozenset[str]]] = {
    "Policy": frozenset({"name", "title", "directives", "contact", "upstream"}),
    "Exemption": frozenset({"id", "approver", "ticket", "reason"}),
}
"""The fields that anyone may read: names and texts, and which servers a VLAN's queries go to."""
_MODULE: Final = "resolver.policy.compiled"
_READERS: Final = ("/resolver/policy/", "/tests/")


class PolicyFields(Plugin):
    """Refuse to read a field that decides."""

    def get_attribute_hook(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        """What looks at a use of an attribute of these classes."""
        rest, _, field = fullname.rpartition(".")
        module, _, kind = rest.rpartition(".")
        if module != _MODULE or field in FOR_PEOPLE.get(kind, {field}):
            return None
        return partial(_refuse, field)


def _refuse(field: str, context: AttributeContext) -> Type:
    of = get_proper_type(context.type)
    symbol = of.type.get(field) if isinstance(of, Instance) else None
    is_field = symbol is not None and isinstance(symbol.node, Var)
    if is_field and not any(folder in f"/{context.api.path}" for folder in _READERS):
        context.api.fail(f'only policy/ reads "{field}", which decides', context.context)
    return context.default_attr_type


def plugin(_version: str) -> type[Plugin]:
    """The plugin, as mypy asks for it."""
    return PolicyFields
