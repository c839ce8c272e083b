"""What every deployment step must be able to do."""

from pathlib import Path
from typing import Any

import pytest
from prefect.testing.conformance import StepContract


class TestFetch(StepContract):
    name = "{{ cookiecutter.__module }}.steps.fetch"

    @pytest.fixture
    def inputs(self, tmp_path: Path) -> dict[str, Any]:
        return {"directory": str(tmp_path / "code")}
