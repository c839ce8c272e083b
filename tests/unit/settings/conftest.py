from __future__ import annotations

import os

import pytest

from prefect.settings.context import reload_settings


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty home and an empty working directory; settings are read anew."""
    for name in list(os.environ):
        if name.upper().startswith("PREFECT_"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("PREFECT_HOME", str(home))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    reload_settings()
    yield home
    monkeypatch.undo()
    reload_settings()
