"""The messengers that the directives name: each banned in administration, open to publicity."""

import pytest

from tests.live.clients import Asker
from tests.live.nsd import ANY_V4

pytestmark = pytest.mark.core

NAMED = {
    "telegram": ("telegram.org", "web.telegram.org"),
    "whatsapp": ("whatsapp.com", "web.whatsapp.com"),
    "viber": ("viber.com", "www.viber.com"),
    "line": ("line.me", "access.line.me"),
    "tango": ("tango.me", "www.tango.me"),
}


@pytest.mark.parametrize("service", NAMED)
def test_it_is_blocked_in_administration(dig: Asker, service: str) -> None:
    for name in NAMED[service]:
        answer = dig("127.0.10.5", name)
        assert answer.data == ["0.0.0.0"], name
        [(code, text)] = answer.errors
        assert code == 16
        assert text.startswith(f"{service}: directive 1595/الف/م"), text


@pytest.mark.parametrize("service", NAMED)
def test_an_alias_of_it_is_blocked_in_administration(dig: Asker, service: str) -> None:
    answer = dig("127.0.10.5", f"{service}.scene")
    assert answer.data == ["0.0.0.0"]
    [(code, text)] = answer.errors
    assert code == 16
    assert text.startswith(f"{service}: directive "), text


@pytest.mark.parametrize("service", NAMED)
def test_an_alias_of_it_is_open_to_publicity(dig: Asker, service: str) -> None:
    answer = dig("127.0.20.5", f"{service}.scene")
    assert answer.data[-1] == ANY_V4
    assert answer.errors == []


def test_a_name_that_leads_to_telegram_s_addresses_is_blocked_in_administration(dig: Asker) -> None:
    assert dig("127.0.10.5", "address-of-telegram.scene").data == ["0.0.0.0"]
    assert dig("127.0.20.5", "address-of-telegram.scene").data == ["149.154.167.99"]


def test_what_the_list_of_telegram_permits_is_open_at_its_addresses(dig: Asker) -> None:
    assert dig("127.0.10.5", "quiz.directory").data == ["149.154.167.99"]


@pytest.mark.parametrize("service", NAMED)
def test_it_is_open_to_publicity(dig: Asker, service: str) -> None:
    for name in NAMED[service]:
        answer = dig("127.0.20.5", name)
        assert answer.data == [ANY_V4], name
        assert answer.errors == []


@pytest.mark.parametrize("name", ["abcdef.dns.nextdns.io", "abcdef.cloudflare-gateway.com"])
def test_encrypted_dns_with_an_account_is_blocked_in_administration(dig: Asker, name: str) -> None:
    assert dig("127.0.10.5", name).data == ["0.0.0.0"]
    assert dig("127.0.20.5", name).data == [ANY_V4]
