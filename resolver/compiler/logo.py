"""Read the logo of the block page, and report a file that cannot be one."""

from pathlib import Path
from typing import Final

from resolver.config.load import LoadedConfig
from resolver.config.problems import Problem, toml_text
from resolver.snapshot.logo import UnfitLogo, logo_uri

_MAX: Final = 32 << 10
"""Octets: each visit of the page sends it, and each worker has it in memory."""
_EXPECTED = f"an SVG or PNG file of at most {_MAX >> 10} KiB"


def read_logo(config: Path, loaded: LoadedConfig, problems: list[Problem]) -> str:
    """The logo as a data URI; empty where there is none.

    What is wrong with the file is added to ``problems``.
    """
    logo = loaded.config.block_page.logo
    if logo is None:
        return ""
    try:
        return logo_uri(config, logo, _MAX)
    except UnfitLogo as error:
        path, advice = ("block_page", "logo"), f"It {error}."
        problems.append(loaded.provenance.problem(path, toml_text(logo), _EXPECTED, advice))
        return ""
