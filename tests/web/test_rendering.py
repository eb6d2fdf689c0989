"""Messages and templates: both languages have the same messages, and templates use them all."""

import re
from collections.abc import Iterator
from importlib import resources

import pytest
from jinja2 import Environment

from resolver.metrics.definitions import RELOAD_RESULTS
from resolver.policy.answers import MODES
from resolver.policy.clauses import Action
from resolver.policy.verdict import Outcome
from resolver.web.rendering import messages
from tests.policy.networks import snapshot_of

TEMPLATES = resources.files("resolver.web").joinpath("templates")
PAGES = ("status_page", "block_page", "policy_report", "period_report")
IN_CODE = {"block_page": {"directive", "narrowing", "mail_subject", "mail_body"}}
"""Messages that a page's module puts in, and not its template."""


def _parts(value: object, path: str = "") -> Iterator[tuple[str, set[str]]]:
    """Each message of a table by its path, with the parts in its braces."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in pairs:
            yield from _parts(item, f"{path}/{key}")
    else:
        yield path, set(re.findall(r"\{(\w*)\}", str(value)))


def _used(template: str) -> set[str]:
    """The messages that a template and the templates that it includes use."""
    text = TEMPLATES.joinpath(template).read_text(encoding="utf-8")
    included = re.findall(r'{% (?:include|extends) "([\w./]+)"', text)
    return set(re.findall(r"\bmsg\.(\w+)", text)).union(*map(_used, included))


def test_all_languages_have_the_same_messages() -> None:
    assert dict(_parts(messages("fa"))) == dict(_parts(messages("en")))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_uses_its_messages_and_no_others(page: str) -> None:
    shared = messages("en")
    used = _used(f"{page}.html") | IN_CODE.get(page, set())
    assert used <= shared.keys() | shared[page].keys()
    assert shared[page].keys() - used == set()


def test_every_shared_message_is_used() -> None:
    used = set[str]().union(*(_used(f"{page}.html") for page in PAGES))
    assert messages("en").keys() - used == {"language", *PAGES}


def test_every_outcome_and_result_has_a_message() -> None:
    outcomes = {outcome.label for outcome in Outcome}
    assert messages("en")["outcomes"].keys() == outcomes
    assert messages("en")["answers"].keys() == MODES.keys()
    assert messages("en")["status_page"]["reloads"].keys() == set(RELOAD_RESULTS)
    assert messages("en")["states"].keys() == {"in force", "not now", "ends soon", "ended"}


def test_what_a_policy_does_besides_to_pass_has_a_message() -> None:
    restricting = {name.value for name in Action if name is not Action.PASS}
    assert messages("en")["status_page"]["restricts"].keys() == restricting
    assert messages("en")["done"].keys() == restricting


def test_a_value_is_escaped_where_it_is_put_into_a_message() -> None:
    sentence = messages("en")["block_page"]["reasons"]["no_service"].format(
        name="<b> {service} & '"
    )
    assert "&lt;b&gt; {service} &amp; &#39;" in sentence


def test_a_template_that_reads_what_decides_is_noticed() -> None:
    """The fixture of ``conftest.py`` looks at all pages of these tests."""
    policy = snapshot_of().compiled.policies[0]
    template = "{{ policy.name }} {{ policy.answer }}"
    with pytest.raises(AssertionError, match=r"a template reads Policy\.answer"):
        Environment(autoescape=True).from_string(template).render(policy=policy)
