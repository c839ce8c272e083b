"""What every notifier must be able to do, asked as the product asks it."""

from pathlib import Path
from typing import Any

import pytest
from prefect.plugins.loading import current_host
from prefect.testing.conformance import NotifierContract


class TestNotifier(NotifierContract):
    @pytest.fixture
    def send(self) -> Any:
        return current_host().implementations("prefect_send_notification")[-1][1]

    @pytest.fixture
    def target(self, tmp_path: Path) -> str:
        return f"{{ cookiecutter.__plugin }}:{tmp_path / 'notes.txt'}"

    @pytest.fixture
    def unreachable(self, tmp_path: Path) -> str:
        return f"{{ cookiecutter.__plugin }}:{tmp_path / 'no-folder' / 'notes.txt'}"
