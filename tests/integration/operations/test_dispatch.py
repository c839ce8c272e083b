"""Every endpoint has an operation that takes what the endpoint sends."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from prefect._contract.call import Call
from prefect._contract.endpoints.table import ENDPOINTS, Endpoint
from prefect.exceptions import PrefectHTTPStatusError
from prefect.server.operations.dispatch import find_operation
from prefect.server.operations.refusals import Refusal


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_every_endpoint_has_an_operation(endpoint: Endpoint) -> None:
    operation = find_operation(endpoint.route)
    parameters = inspect.signature(operation.function).parameters
    names = [part[1:-1] for part in endpoint.path.split("/") if part.startswith("{")]
    assert list(parameters)[: len(names) + 1] == ["work", *names]
    reads = endpoint.name.startswith(READS) or endpoint.method == "GET"
    assert operation.read_only == (reads and endpoint.name != "read_csrf_token")  # which makes one


READS = (
    "are_",
    "read_",
    "count_",
    "paginate_",
    "average_",
    "filter_",
    "validate_",
    "flow_run_history",
    "task_run_history",
)


def test_an_unknown_route_is_refused(orchestrator) -> None:
    with pytest.raises(Refusal, match="GET /nothing is not known"):
        find_operation(("GET", "/nothing"))
    with pytest.raises(PrefectHTTPStatusError, match="404") as refused:
        orchestrator.send(Call("GET", "/nothing/{id}", path_params={"id": 3}))
    assert refused.value.response.status_code == 404
    assert refused.value.request.url.path == "/nothing/3"


def test_one_call_imports_the_operations_of_no_other_resource() -> None:
    script = """
from prefect.server.operations.dispatch import find_operation
import sys
find_operation(("GET", "/flows/{id}"))
loaded = [name for name in sys.modules if name.startswith("prefect.server.operations.")]
assert "prefect.server.operations.flows" in loaded
others = {"block_documents", "flow_runs", "task_runs", "artifacts", "variables", "logs", "liveness", "graphs"}
assert not others & {name.rpartition(".")[2] for name in loaded}, loaded
foreign = {"httpx", "sqlalchemy.orm", "cryptography", "fastapi", "yaml", "jinja2", "rich", "typer"}
assert not foreign & set(sys.modules), foreign & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
