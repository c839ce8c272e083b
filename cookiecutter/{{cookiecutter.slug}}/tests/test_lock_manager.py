"""What every lock manager must be able to do."""

from pathlib import Path

import pytest
from prefect import flow, task
from prefect.cache_policies import INPUTS
from prefect.testing.conformance import LockManagerContract
from prefect.testing.utilities import prefect_test_harness

from {{ cookiecutter.__module }}.locks import {{ cookiecutter.__class }}Locks


class TestLocks(LockManagerContract):
    across_processes = True

    @pytest.fixture
    def locks(self, tmp_path: Path) -> {{ cookiecutter.__class }}Locks:
        self._folder = tmp_path / "locks"
        return {{ cookiecutter.__class }}Locks(self._folder)

    def expression(self, locks: {{ cookiecutter.__class }}Locks) -> str:
        made = f"{{ cookiecutter.__class }}Locks(Path({str(self._folder)!r}))"
        return f"from pathlib import Path; from {{ cookiecutter.__module }}.locks import {{ cookiecutter.__class }}Locks; locks = {made}"


def test_cache_policies_ask_for_it_by_name() -> None:
    @task(cache_policy=INPUTS.configure(lock_manager="{{ cookiecutter.__plugin }}", isolation_level="SERIALIZABLE"), persist_result=True)
    def square(number: int) -> int:
        return number * number

    @flow
    def work() -> list[int]:
        return [square(3), square(3)]

    with prefect_test_harness():
        assert work() == [9, 9]
