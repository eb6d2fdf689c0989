"""No page reads the fields of a compiled policy that decide, whatever a template is given."""

import pytest
from jinja2 import Environment

from resolver.policy.compiled import Exemption, Policy
from tests.laws.policy_fields import FOR_PEOPLE


@pytest.fixture(autouse=True)
def no_page_reads_what_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attribute that a template reads goes through here; mypy sees no template."""
    plain = Environment.getattr

    def checked(environment: Environment, of: object, name: str) -> object:
        if isinstance(of, Policy | Exemption):
            kind = type(of).__name__
            assert name in FOR_PEOPLE[kind], f"a template reads {kind}.{name}"
        return plain(environment, of, name)

    monkeypatch.setattr(Environment, "getattr", checked)
