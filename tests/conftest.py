"""What several test files share: the bundled fleet, run and published once."""

import shutil

import pytest
from command import DAYS, FLEET, resetradar


@pytest.fixture(scope="session")
def published_fleet(tmp_path_factory):
    """Folder with the bundled fleet, its configuration, and its published run."""
    folder = tmp_path_factory.mktemp("published")
    shutil.copytree(FLEET, folder, dirs_exist_ok=True)
    done = resetradar("run", "--config", folder / "resetradar.toml", "--days", DAYS)
    (folder / "printed.txt").write_text(done.stdout)
    return folder
