"""A certificate authority for the run."""

import pytest

from tests.fetch.source_server import Authority, authority
from tests.live.programs import needed


@pytest.fixture(scope="session")
def made_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(needed("openssl"), tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(made_authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The authority, which this process trusts while the test runs."""
    monkeypatch.setenv("SSL_CERT_FILE", str(made_authority.trusted))
    return made_authority
