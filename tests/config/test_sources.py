"""What a config may say of lists that others keep, and what is said of mistakes."""

import pytest

from tests.config.files_in_memory import load_text, messages

BASE = """
[policies.p]
block = ["@encrypted-dns"]
[vlans.v]
prefixes = ["10.0.0.0/8"]
policy = "p"
[lists.sources.it]
"""
GOOD = [
    'url = "https://lists.example/it.txt"\nformat = "hosts"\nservice = "telegram"',
    'url = "https://lists.example:8443/a?b=c"\nformat = "rpz"\ncategory = "messenger"',
    'url = "http://127.0.0.1:8000/it"\nformat = "plain"\ncategory = "x"',
    'url = "http://localhost/it"\nformat = "suffix"\ncategory = "x"',
    'url = "file:///var/lib/darban-lists/it.zone"\nformat = "rpz"\ncategory = "x"',
    'file = "it.txt"\nformat = "rpz"\ncategory = "x"',
    'url = "https://a.b/it"\nformat = "rpz"\ncategory = "x"\nallowed_signers = "signers"',
]
WRONG = {
    'format = "hosts"\nservice = "a"': "found no url or file; expected one of the two",
    'url = "https://a.b/"\nfile = "c"\nformat = "hosts"\nservice = "a"': "found both url and file",
    'file = "c"\nformat = "hosts"': "found no service or category",
    'file = "c"\nformat = "hosts"\nservice = "a"\ncategory = "b"': "both service and category",
    'file = "c"\nservice = "a"': "its format: adblock, hosts, plain, suffix, wildcard, rpz",
    'file = "c"\nformat = "host"\nservice = "a"': 'Did you mean "hosts"?',
    'url = "http://lists.example/"\nformat = "hosts"\nservice = "a"': "Without TLS only a server",
    'url = "ftp://lists.example/"\nformat = "hosts"\nservice = "a"': "For a file on this host",
    'url = "https://u:secret@a.b/"\nformat = "hosts"\nservice = "a"': "A user name or password",
    'url = "file://host/a"\nformat = "rpz"\nservice = "a"': "where another program writes it",
    'url = "lists.example"\nformat = "hosts"\nservice = "a"': "https://lists.example/hosts.txt",
    'url = "https://a.b:port/"\nformat = "hosts"\nservice = "a"': "https://lists.example/hosts.txt",
    'file = "c"\nformat = "hosts"\ncategory = "Some Thing"': "lower-case letters",
    'file = "c"\nallowed_signers = "s"': "found allowed_signers for a file; expected a url",
    'url = "https://a.b/"\nallowed_signers = ""': "one line of text",
}


@pytest.mark.parametrize("text", GOOD)
def test_a_source_is_understood(text: str) -> None:
    loaded = load_text(BASE + text)
    assert messages(loaded) == []
    assert list(loaded.config.lists.sources) == ["it"]


@pytest.mark.parametrize("text", WRONG)
def test_a_mistake_is_told_with_what_is_allowed(text: str) -> None:
    problems = messages(load_text(BASE + text))
    assert any(WRONG[text] in problem and "lists.sources.it" in problem for problem in problems)


def test_a_name_that_could_be_no_service_is_refused() -> None:
    text = BASE.replace("sources.it", "sources.My_List")
    assert any("lower-case letters" in message for message in messages(load_text(text + GOOD[0])))
