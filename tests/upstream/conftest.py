"""A certificate authority for the run."""

import pytest

from tests.fetch.source_server import Authority, authority
from tests.live.programs import needed


@pytest.fixture(scope="session")
def made_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(needed("openssl"), tmp_path_factory.mktemp("authority"))
