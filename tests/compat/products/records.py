"""What a server has recorded of a script, in a form in which two servers can be compared."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

_ENGINE = re.compile(
    r"^(Beginning|Finished in|View at|Task run failed|Task run encountered|Encountered (an )?exception|Created (task|flow)"
    r"|Executing|Submitted|Received non-final|Crash|Using )|run failed with exception"
)
"""Lines that the products write themselves, each in its own words."""


class Records:
    """Reads a server's records over HTTP."""

    def __init__(self, api: str, mark: str) -> None:
        self._client = httpx.Client(base_url=api, timeout=30, trust_env=False)
        self._mark = mark

    def __enter__(self) -> Records:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def all(self) -> dict[str, Any]:
        """All that a script with a mark has left behind."""
        return {
            "flow runs": [self._flow_run(run) for run in self._runs()],
            "artifacts": self._artifacts(),
            "variables": self._variables(),
            "blocks": self._blocks(),
        }

    @staticmethod
    def are_complete(records: dict[str, Any]) -> bool:
        """Whether all has arrived: a server may take its time over what it is told."""
        tasks = [task for run in records["flow runs"] for task in run["tasks"]]
        return bool(tasks) and all(task["has run"] for task in tasks)

    def _get(self, path: str, **query: str) -> Any:
        return self._client.get(path, params=query).raise_for_status().json()

    def _list(self, path: str, **body: Any) -> list[Any]:
        answer: list[Any] = self._client.post(path, json=body).raise_for_status().json()
        return answer

    def _runs(self) -> list[dict[str, Any]]:
        flows = {"name": {"like_": f"{self._mark}-"}}
        return sorted(
            self._list("/flow_runs/filter", flows=flows, sort="START_TIME_ASC"), key=lambda run: str(run["start_time"])
        )

    def _flow_run(self, run: dict[str, Any]) -> dict[str, Any]:
        states = self._get("/flow_run_states/", flow_run_id=run["id"])
        chosen = {"flow_runs": {"id": {"any_": [run["id"]]}}}
        tasks = self._list("/task_runs/filter", **chosen)
        described = [self._task_run(task) for task in tasks]
        return {
            "flow": self._get(f"/flows/{run['flow_id']}")["name"],
            "has a name of its own": run["name"].startswith("named-"),
            "version": run["flow_version"] if run["flow_version"] == "7" else None,
            "parameters": run["parameters"],
            "tags": sorted(run["tags"]),
            "run count": run["run_count"],
            "is a subflow": run["parent_task_run_id"] is not None,
            "retries": run["empirical_policy"]["retries"],
            "states": [
                (state["type"], state["name"]) for state in sorted(states, key=lambda state: state["timestamp"])
            ],
            "message": run["state"]["message"] if run["state"]["name"] == "Splendid" else None,
            "logs": self._logs(run["id"], {task["id"]: task["task_key"] for task in tasks}),
            "tasks": sorted(described, key=lambda task: json.dumps(task, sort_keys=True)),
        }

    def _task_run(self, task: dict[str, Any]) -> dict[str, Any]:
        states = sorted(self._get("/task_run_states/", task_run_id=task["id"]), key=lambda state: state["timestamp"])
        names = [state["name"] for state in states if state["name"] != "AwaitingRetry"]
        return {
            "name": task["name"].rpartition("-")[0].replace(self._mark, "MARK"),
            "state": (task["state_type"], task["state_name"]),
            "states": [name for index, name in enumerate(names) if index == 0 or name != names[index - 1]],
            "run count": task["run_count"],
            "tags": sorted(task["tags"]),
            "retries": task["empirical_policy"]["retries"],
            "inputs": {
                name: [source["input_type"] for source in sources]
                for name, sources in task["task_inputs"].items()
                if sources
            },
            "stands for a subflow": task["state"]["state_details"]["child_flow_run_id"] is not None,
            "has run": task["start_time"] is not None and task["end_time"] is not None,
        }

    def _logs(self, flow_run_id: str, tasks: dict[str, str]) -> list[tuple[Any, ...]]:
        chosen = {"logs": {"flow_run_id": {"any_": [flow_run_id]}}}
        lines = self._list("/logs/filter", **chosen, sort="TIMESTAMP_ASC", limit=200)
        return sorted(
            (line["level"], line["message"], line["task_run_id"] is not None)
            for line in lines
            if not _ENGINE.search(line["message"])
        )

    def _artifacts(self) -> list[Any]:
        found = self._list("/artifacts/filter", artifacts={"key": {"like_": f"{self._mark}-"}})
        return sorted(
            (item["key"], item["type"], item["description"], item["data"], item["flow_run_id"] is not None)
            for item in found
        )

    def _variables(self) -> list[Any]:
        found = self._list("/variables/filter", variables={"name": {"like_": f"{self._mark}_"}})
        return sorted((item["name"], item["value"], item["tags"]) for item in found)

    def _blocks(self) -> list[Any]:
        found = self._list("/block_documents/filter", block_documents={"name": {"like_": f"{self._mark}-"}})
        return sorted((item["name"], item["block_type"]["slug"], item["data"]) for item in found)


def _kinds(sources: list[dict[str, Any]]) -> list[str]:
    return [source["input_type"] for source in sources]
