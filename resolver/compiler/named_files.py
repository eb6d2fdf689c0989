"""Read the authorities' certificates and the logo that a config names.

What is wrong with a file is reported, with what was expected of it.
"""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from resolver.config.load import LoadedConfig
from resolver.config.model import Config
from resolver.config.problems import Problem, toml_text
from resolver.config.toml_lines import Path as TomlPath
from resolver.snapshot.authorities import read_certificates
from resolver.snapshot.logo import UnfitLogo, logo_uri

_CERTIFICATES: Final = "a file of certificates in PEM form"
_MAX_LOGO: Final = 32 << 10
"""Octets: each visit of the block page sends it, and each worker has it in memory."""
_LOGO: Final = f"an SVG or PNG file of at most {_MAX_LOGO >> 10} KiB"


def read_authorities(base: Path, loaded: LoadedConfig, problems: list[Problem]) -> dict[str, str]:
    """The text of each ``ca_file``, by its name in the config; ``base`` is the config's directory.

    What is wrong with a file is added to ``problems``.
    """
    texts: dict[str, str] = {}
    for section, file in _files(loaded.config):
        try:
            text = read_certificates(base / file)
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
        except ssl.SSLError:
            advice = "It has none."
        except OSError as error:
            advice = f"It cannot be read: {error.strerror}."
        else:
            texts[file] = text
            continue
        path: TomlPath = (*section, "ca_file")
        problems.append(loaded.provenance.problem(path, toml_text(file), _CERTIFICATES, advice))
    return texts


def _files(config: Config) -> Iterator[tuple[TomlPath, str]]:
    """The files of authorities, with the section that names each."""
    if config.lists.ca_file is not None:
        yield ("lists",), config.lists.ca_file
    for section, group in config.groups():
        if group.ca_file is not None:
            yield section, group.ca_file


def read_logo(config: Path, loaded: LoadedConfig, problems: list[Problem]) -> str:
    """The logo of the block page as a data URI; empty where there is none.

    What is wrong with the file is added to ``problems``.
    """
    logo = loaded.config.block_page.logo
    if logo is None:
        return ""
    try:
        return logo_uri(config, logo, _MAX_LOGO)
    except UnfitLogo as error:
        path = ("block_page", "logo")
        problems.append(loaded.provenance.problem(path, toml_text(logo), _LOGO, f"It {error}."))
        return ""
