"""What can be done with a flow run: what its page offers, and what the forms there do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api, ApiError
from prefect_ui.pages.forms import done, read_form
from prefect_ui.view import GLYPHS

__all__ = ["ENDED", "ROUTES", "offers"]

ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
"""The types of states that a run stays in."""

_BY_HAND = "Nothing would start it: it has no deployment. Where its code is, prefect flow-run retry {id} runs it again."
_CALL = "Nothing would start it: it has no deployment. Call its flow for another run."
_SUBFLOW = "It is a subflow run: run the flow run that called it again."


def offers(run: dict[str, Any]) -> dict[str, Any]:
    """
    What can be done with a run, and why it cannot be run again, if so. To answer is to resume with the input that it waits for.

    Args:
        run: A flow run, as the API answers.
    """
    state, has_deployment = run["state_type"], run["deployment_id"] is not None
    ended = state in ENDED
    paused = (run["state"] or {}).get("state_details") or {}
    can = {
        "cancel": not ended and state != "CANCELLING",
        "resume": state == "PAUSED" and not paused.get("run_input_keyset"),
        "answer": state == "PAUSED" and bool(paused.get("run_input_keyset")),
        "retry": ended and state != "COMPLETED" and has_deployment,
        "repeat": ended and has_deployment,
        "delete": ended,
    }
    why_not = ""
    if ended and not has_deployment:
        by_hand = _CALL if state == "COMPLETED" else _BY_HAND.format(id=run["id"])
        why_not = _SUBFLOW if run["parent_task_run_id"] else by_hand
    return {"can": can, "why_not_again": why_not}


def _not_accepted(answer: dict[str, Any]) -> ApiError:
    reason = (answer.get("details") or {}).get("reason") or "it does not say why"
    return ApiError(409, f"The server did not accept that: {reason}")


async def _propose(api: Api, id: str, state: dict[str, Any], force: bool = False) -> dict[str, Any]:
    answer: dict[str, Any] = await api.post(f"/flow_runs/{id}/set_state", {"state": state, "force": force})
    return answer


async def _cancel(api: Api, id: str, fields: dict[str, str]) -> str:
    answer = await _propose(api, id, {"type": "CANCELLING", "message": "Cancelled in the web pages."})
    if (answer["state"] or {}).get("type") == "CANCELLED":
        return "The flow run is cancelled."
    if answer["status"] != "ACCEPT":
        raise _not_accepted(answer)
    return "The flow run is being cancelled."


async def _retry(api: Api, id: str, fields: dict[str, str]) -> str:
    state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retried in the web pages."}
    answer = await _propose(api, id, state)
    if answer["status"] != "ACCEPT":
        raise _not_accepted(answer)
    return "The flow run will be run again."


async def _resume(api: Api, id: str, fields: dict[str, str]) -> str:
    answer = await api.post(f"/flow_runs/{id}/resume")
    if answer["status"] != "ACCEPT":
        raise _not_accepted(answer)
    return "The flow run goes on."


async def _delete(api: Api, id: str, fields: dict[str, str]) -> str:
    await api.delete(f"/flow_runs/{id}")
    return "The flow run is deleted."


async def _state(api: Api, id: str, fields: dict[str, str]) -> str:
    kind, name = fields.get("type", ""), fields.get("name", "").strip()
    if kind not in GLYPHS:
        raise ApiError(422, "A state needs a type.")
    message = fields.get("message", "").strip() or "Set in the web pages."
    state = {"type": kind, "message": message} | ({"name": name} if name else {})
    answer = await _propose(api, id, state, force="force" in fields)
    if answer["status"] != "ACCEPT":
        raise _not_accepted(answer)
    return f"The flow run is {answer['state']['name']}."


_ACTS: dict[str, Callable[[Api, str, dict[str, str]], Awaitable[str]]] = {
    "cancel": _cancel,
    "retry": _retry,
    "resume": _resume,
    "delete": _delete,
    "state": _state,
}


async def _act(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    what = request.path_params["what"]
    if what not in _ACTS:
        raise HTTPException(404)
    fields = await read_form(request)

    async def act() -> str:
        return await _ACTS[what](api, id, fields)

    return await done(request, "/runs" if what == "delete" else f"/runs/flow-run/{id}", act)


async def _repeat(request: Request) -> Response:
    """A new run of the same deployment, with the same parameters."""
    api, id = Api(request), str(request.path_params["id"])
    run = await api.get(f"/flow_runs/{id}")
    made: dict[str, Any] = {}

    async def act() -> str:
        if run["deployment_id"] is None:
            raise ApiError(409, offers(run)["why_not_again"] or "The flow run has no deployment.")
        asked = {name: run[name] for name in ("parameters", "tags", "job_variables")}
        made.update(await api.post(f"/deployments/{run['deployment_id']}/create_flow_run", asked))
        return f"This is a new run, with the parameters of {run['name']}."

    return await done(request, lambda: f"/runs/flow-run/{made.get('id', id)}", act)


ROUTES = [
    Route("/runs/flow-run/{id:uuid}/repeat", _repeat, methods=["POST"]),
    Route("/runs/flow-run/{id:uuid}/{what:str}", _act, methods=["POST"]),
]
