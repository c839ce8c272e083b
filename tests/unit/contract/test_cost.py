"""What every run imports stays cheap."""

from __future__ import annotations

import subprocess
import sys

NEVER = ["sqlalchemy", "httpx", "typer", "fastapi", "jinja2", "cryptography", "yaml", "rich", "croniter", "dateutil"]


def modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules, sep='\\n')"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_records_do_not_bring_filters_blocks_or_foreign_packages():
    loaded = modules_after("import prefect._contract.state, prefect._contract.objects")
    ours = {name for name in loaded if name.startswith("prefect._contract")}
    assert ours == {f"prefect._contract{name}" for name in ("", ".base", ".state", ".objects")}
    assert not loaded & set(NEVER)


def test_the_engines_endpoints_do_not_bring_filters():
    loaded = modules_after(
        "import prefect._contract.endpoints.flow_runs, prefect._contract.endpoints.recording, "
        "prefect._contract.endpoints.liveness, prefect._orchestration.decide"
    )
    assert not {name for name in loaded if name.startswith(("prefect._contract.filters.", "prefect._contract.blocks"))}
    assert not loaded & set(NEVER)


def test_facades_bring_nothing_until_a_name_is_asked_for():
    loaded = modules_after("import prefect.client.schemas.filters, prefect.client.schemas.objects")
    assert "prefect._contract.filters.flows" not in loaded
    assert "prefect._contract.objects" not in loaded
