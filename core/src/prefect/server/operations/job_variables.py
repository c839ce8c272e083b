"""What a work pool's job template says of the variables that deployments and runs may set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect.server.operations.refusals import Refusal
from prefect.server.operations.schema_flaws import UnusableSchemaError, find_flaws
from prefect.utilities.templating import find_placeholders

__all__ = ["check_job_variables", "check_template"]


def check_template(template: dict[str, Any]) -> None:
    """
    Refuse a job template that uses variables which it does not declare, or whose defaults are not what it declares.

    Raises:
        Refusal: It does.
    """
    if not template:
        return
    configuration, variables = template.get("job_configuration"), template.get("variables")
    if not configuration or not isinstance(variables, dict) or not variables:
        message = "The `base_job_template` must contain both a `job_configuration` key and a `variables` key."
        raise Refusal(422, message)
    used = {placeholder.name for placeholder in find_placeholders(configuration)}
    undeclared = sorted(used - set(_properties(template)))
    if undeclared:
        raise Refusal(
            422,
            "The variables specified in the job configuration template must be present as properties in the variables "
            f"schema. Your job configuration uses the following undeclared variable(s): {', '.join(undeclared)}.",
        )
    defaults = {name: part["default"] for name, part in _properties(template).items() if "default" in part}
    _check(template, defaults, "Validation failed for work pool's job variable defaults", complete=False)


def check_job_variables(
    template: dict[str, Any], *variables: Mapping[str, Any] | None, error: str, complete: bool = False
) -> None:
    """
    Refuse values of job variables that are not what a job template declares.

    Args:
        template: The work pool's job template.
        *variables: The values; the later ones hold.
        error: What went wrong, for the message.
        complete: Whether those that must have a value need one now.

    Raises:
        Refusal: One of them is not.
    """
    if template:
        merged = {name: value for values in variables for name, value in (values or {}).items()}
        _check(template, merged, error, complete=complete)


def _properties(template: dict[str, Any]) -> dict[str, Any]:
    properties = template.get("variables", {}).get("properties")
    known = properties if isinstance(properties, dict) else {}
    return {name: part for name, part in known.items() if isinstance(part, dict)}


def _check(template: dict[str, Any], values: Mapping[str, Any], error: str, *, complete: bool) -> None:
    schema = template.get("variables", {})
    declared = _properties(template)
    required = [name for name in schema.get("required", ()) if "default" not in declared.get(name, {})]
    optional = {name: {"anyOf": [part, {"type": "null"}]} for name, part in declared.items() if name not in required}
    checked = {
        **schema,
        "properties": declared | optional,
        "required": [name for name in required if complete and not _comes_later(values.get(name, 0))],
    }
    known = {name: value for name, value in values.items() if not _comes_later(value)}
    try:
        flaw = next(find_flaws(known, checked), None)
    except UnusableSchemaError as unusable:
        raise Refusal(422, f"{error}: {unusable}") from None
    if flaw is not None:
        raise Refusal(422, f"{error}: {flaw}")


def _comes_later(value: Any) -> bool:
    """Whether a value is found when the run is made ready: one of a block document, or with placeholders."""
    if isinstance(value, dict) and value.keys() == {"$ref"}:
        return True
    return bool(find_placeholders(value))
