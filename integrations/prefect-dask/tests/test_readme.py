"""What the README shows works."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from prefect.testing.utilities import prefect_test_harness

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.filterwarnings("default")  # Dask leaves sockets to the garbage collector
@pytest.mark.parametrize(("block", "printed"), list(zip(BLOCKS, ["14", "6"], strict=True)))
def test_its_python_runs(block: str, printed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shown.py").write_text(block, encoding="utf-8")
    with prefect_test_harness():
        runpy.run_path(str(tmp_path / "shown.py"), run_name="__main__")
    assert printed in capsys.readouterr().out.splitlines()
