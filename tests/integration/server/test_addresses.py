"""`url_for`: a server answers at the addresses that it makes."""

from __future__ import annotations

from typing import Any

import httpx

from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import temporary_settings
from prefect.utilities.urls import url_for
from prefect.variables import Variable


def test_objects_are_at_their_addresses(server: Any) -> None:
    with temporary_settings({"PREFECT_API_URL": f"{server.url}/api"}):
        client = get_client(sync_client=True)
        flow_id = client.create_flow_from_name("f")
        deployment_id = client.create_deployment(flow_id, "d")
        pool = client.create_work_pool(WorkPoolCreate(name="my-pool", type="process"))
        client.create_concurrency_limit("t", 1)
        block = Secret(value="hush")
        block.save("s")
        objects = [
            client.read_flow(flow_id),
            client.read_deployment(deployment_id),
            client.create_flow_run_from_deployment(deployment_id),
            pool,
            client.read_work_queue_by_name("default", "my-pool"),
            client.read_concurrency_limit_by_tag("t"),
            block,
            Variable.set("v", 1),
        ]
        with httpx.Client(trust_env=False, timeout=60) as http:
            for each in objects:
                address = url_for(each, url_type="api")
                answer = http.get(address)
                assert answer.status_code == 200, f"{address}: {answer.text}"
                assert str(getattr(each, "id", "")) in answer.text
            assert http.get(url_for("work-pool", "none", url_type="api")).status_code == 404
