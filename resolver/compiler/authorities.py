"""Read the authorities' certificates that a config names, and report the files without any."""

import ssl
from collections.abc import Iterator
from pathlib import Path

from resolver.config.load import LoadedConfig
from resolver.config.model import Config
from resolver.config.problems import Problem, toml_text
from resolver.config.toml_lines import Path as TomlPath
from resolver.snapshot.authorities import read_certificates

_EXPECTED = "a file of certificates in PEM form"


def read_authorities(base: Path, loaded: LoadedConfig, problems: list[Problem]) -> dict[str, str]:
    """The text of each ``ca_file``, by its name in the config; ``base`` is the config's directory.

    What is wrong with a file is added to ``problems``.
    """
    found: dict[str, str] = {}
    for section, file in _files(loaded.config):
        try:
            text = read_certificates(base / file)
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
        except ssl.SSLError:
            advice = "It has none."
        except OSError as error:
            advice = f"It cannot be read: {error.strerror}."
        else:
            found[file] = text
            continue
        path: TomlPath = (*section, "ca_file")
        problems.append(loaded.provenance.problem(path, toml_text(file), _EXPECTED, advice))
    return found


def _files(config: Config) -> Iterator[tuple[TomlPath, str]]:
    """The files of authorities, with the section that names each."""
    if config.lists.ca_file is not None:
        yield ("lists",), config.lists.ca_file
    for section, group in config.groups():
        if group.ca_file is not None:
            yield section, group.ca_file
