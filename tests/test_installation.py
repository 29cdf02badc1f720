"""What is installed, read from package metadata."""

from __future__ import annotations

from pathlib import Path

import pytest

from langchain_durable.installation import Installation, inspect_installation

METADATA = """\
Metadata-Version: 2.4
Name: langchain-durable
Version: 0.1.0
Requires-Dist: redis[hiredis]<9,>=6.4
Requires-Dist: langchain-core<0.0.1
Requires-Dist: a-package-nobody-has>=2
Provides-Extra: embedded
Requires-Dist: another-that-is-absent; (sys_platform != 'never') and extra == 'embedded'
Provides-Extra: elsewhere
Requires-Dist: a-third; (sys_platform == 'never') and extra == 'elsewhere'
Provides-Extra: all
Requires-Dist: langchain-durable[embedded,elsewhere]; extra == 'all'
Requires-Dist: redis; extra == 'all'
"""


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """As the metadata of an installed release tells it."""
    folder = tmp_path / "langchain_durable-0.1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(METADATA)
    monkeypatch.syspath_prepend(tmp_path)
    return inspect_installation()


def test_a_needed_package_is_compared_with_what_we_need(installation: Installation) -> None:
    found = {package.name: package for package in installation.packages}
    assert found["redis"].fits
    assert found["redis"].version
    assert not found["langchain-core"].fits
    assert found["langchain-core"].wanted == "<0.0.1"


def test_a_needed_package_that_is_absent_does_not_fit(installation: Installation) -> None:
    found = {package.name: package for package in installation.packages}
    assert found["a-package-nobody-has"].version == ""
    assert not found["a-package-nobody-has"].fits


def test_an_extra_lacks_what_is_not_installed(installation: Installation) -> None:
    missing = {extra.name: extra.missing for extra in installation.extras}
    assert missing["embedded"] == ("another-that-is-absent",)


def test_an_extra_needs_nothing_on_a_platform_that_it_is_not_for(
    installation: Installation,
) -> None:
    missing = {extra.name: extra.missing for extra in installation.extras}
    assert missing["elsewhere"] == ()


def test_an_extra_lacks_what_its_parts_lack(installation: Installation) -> None:
    missing = {extra.name: extra.missing for extra in installation.extras}
    assert missing["all"] == ("another-that-is-absent",)
