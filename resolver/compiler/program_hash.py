"""A hash of the code that reads lists, makes the index, and groups the names of rules.

Another release may make others. What was made by other code is not used. A wheel's version is
another one for another content; from a source tree the code itself counts. Of the libraries, the
releases count.
"""

import functools
import hashlib
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from resolver import __version__

CODE: Final = (
    *("lists/*.py", "dns/names.py", "system/solar_hijri.py"),
    *("policy/index.py", "policy/policy_hash.py"),
    *("compiler/index.py", "compiler/protected_names.py", "compiler/block_lists.py"),
    *("compiler/program_hash.py", "compiler/kept_readings.py", "compiler/packed_rules.py"),
    *("policy/judge.py", "analysis/name_classes.py", "analysis/name_groups.py"),
)
_LIBRARIES: Final = ("idna", "marisa_trie", "publicsuffixlist")


@functools.cache
def program_hash() -> str:
    """The hash, in hexadecimal digits."""
    digest = hashlib.sha256(f"{__version__} {sys.version} {sys.byteorder}".encode())
    package = Path(__file__).parent.parent
    for pattern in CODE:
        for file in sorted(package.glob(pattern)):
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    for library in _LIBRARIES:
        digest.update(" ".join(_releases(library)).encode())
    return digest.hexdigest()


def _releases(library: str) -> list[str]:
    """The names under which pip notes a library's release: ``idna-3.20.dist-info``."""
    spec = find_spec(library)
    if spec is None or spec.origin is None:
        return []
    file = Path(spec.origin)
    folder = file.parent if spec.submodule_search_locations is None else file.parent.parent
    return sorted(path.name for path in folder.glob(f"{library}-*.dist-info"))
