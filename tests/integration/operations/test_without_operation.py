"""What an orchestrator in this process cannot do yet it refuses, and says what it was asked for."""

from __future__ import annotations

import re

import pytest
from tests.unit.contract.arguments import call_of

from prefect._contract.endpoints.table import ENDPOINTS_WITHOUT_OPERATION
from prefect.exceptions import PrefectHTTPStatusError


@pytest.mark.parametrize(
    "endpoint", ENDPOINTS_WITHOUT_OPERATION, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}"
)
def test_a_call_without_operation_is_refused_by_name(orchestrator, endpoint) -> None:
    with pytest.raises(PrefectHTTPStatusError, match=re.escape(f"{endpoint.method} {endpoint.path}")):
        orchestrator.send(call_of(endpoint))
