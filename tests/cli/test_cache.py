"""What is kept between runs is kept where the user says, or where the system keeps such things."""

from pathlib import Path

import pytest

from jaxqmri.cli.cache import cache_folder

HOME = Path("home")


@pytest.mark.parametrize(
    ("platform", "variables", "folder"),
    [
        ("linux", {}, HOME / ".cache" / "jaxqmri"),
        ("linux", {"XDG_CACHE_HOME": ""}, HOME / ".cache" / "jaxqmri"),
        ("linux", {"XDG_CACHE_HOME": "kept"}, Path("kept") / "jaxqmri"),
        ("darwin", {"XDG_CACHE_HOME": "kept"}, HOME / "Library" / "Caches" / "jaxqmri"),
        ("win32", {}, HOME / "AppData" / "Local" / "jaxqmri"),
        ("win32", {"LOCALAPPDATA": "kept"}, Path("kept") / "jaxqmri"),
        ("linux", {"JAXQMRI_CACHE": "own", "XDG_CACHE_HOME": "kept"}, Path("own")),
    ],
)
def test_the_folder_of_each_system(platform, variables, folder, monkeypatch):
    for name in ("JAXQMRI_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Path, "home", lambda: HOME)
    monkeypatch.setattr("sys.platform", platform)
    assert cache_folder() == folder
