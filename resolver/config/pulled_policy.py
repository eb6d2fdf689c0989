"""The config.toml of a policy repository: what it may say, and where its paths lead.

It is a whole config, so that ``darban check`` works in a clone of the repository. On a server it
may have the sections of the policy alone: addresses, upstreams, workers and files belong to the
server, and no commit changes them. A relative path in it is relative to the repository.
"""

import posixpath
from collections.abc import Iterator

from resolver.config.model import ListsConfig
from resolver.config.problems import Problem, one_of
from resolver.config.provenance import Document, Location

ADVICE = "It comes from [policy_source]: 'darban pull' fetches it."
_POLICY = (
    *("lists", "directives", "hours", "policies", "vlans"),
    *("exemptions", "exemption_limits", "expect", "warnings"),
)

_FILES = ("file", "allowed_signers")
"""The keys of a source of lists that are paths."""


def local_sections(document: Document, root: Location) -> Iterator[Problem]:
    """The sections that only the server's own config may have."""
    for key in document:
        if key not in _POLICY:
            advice = "The other sections are in the config of each server."
            yield root.at((key,)).problem(f"[{key}]", f"a section of {one_of(_POLICY)}", advice)


def policy(document: Document, path: str) -> Document:
    """The sections of the policy, with the paths of its lists as seen from the server."""
    sections = {key: value for key, value in document.items() if key in _POLICY}
    lists = sections.setdefault("lists", {})
    if isinstance(lists, dict):
        sections["lists"] = _with_paths(lists, posixpath.dirname(path))
    return sections


def _with_paths(lists: Document, directory: str) -> Document:
    def seen(path: object) -> object:
        return posixpath.join(directory, path) if isinstance(path, str) and path else path

    changed = dict(lists)
    directories = lists.get("directories", list(ListsConfig().directories))
    if isinstance(directories, list):
        changed["directories"] = [seen(directory) for directory in directories]
    for key in ("ca_file", "allowed_signers"):
        if key in lists:
            changed[key] = seen(lists[key])
    sources = lists.get("sources")
    if isinstance(sources, dict):
        changed["sources"] = {
            name: {key: seen(value) if key in _FILES else value for key, value in source.items()}
            if isinstance(source, dict)
            else source
            for name, source in sources.items()
        }
    return changed
