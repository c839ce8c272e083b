"""Schemas of functions' parameters, for forms and checks where the function itself is not at hand."""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation, PydanticUserError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticSerializationError, PydanticUndefined, core_schema, to_jsonable_python

from prefect.utilities.importtools import safe_load_namespace

__all__ = [
    "ParameterSchema",
    "generate_parameter_schema",
    "parameter_docstrings",
    "parameter_schema",
    "parameter_schema_from_entrypoint",
]

_REFERENCE = "#/definitions/{model}"
_BY_POSITION = inspect.Parameter.POSITIONAL_ONLY
_BY_POSITION_OR_NAME = inspect.Parameter.POSITIONAL_OR_KEYWORD


class ParameterSchema(BaseModel):
    """A JSON schema of the parameters of a function."""

    model_config = ConfigDict(defer_build=True)

    title: Literal["Parameters"] = "Parameters"
    type: Literal["object"] = "object"
    properties: dict[str, Any] = Field(default_factory=dict)
    required: list[str] = Field(default_factory=list)
    definitions: dict[str, Any] = Field(default_factory=dict)

    def model_dump_for_openapi(self) -> dict[str, Any]:
        """The schema as JSON values; `required` is left out if nothing is, as OpenAPI wants it."""
        values = self.model_dump(mode="python", exclude_none=True)
        if not self.required:
            del values["required"]
        return values


def parameter_docstrings(docstring: str | None) -> dict[str, str]:
    """The descriptions of parameters in a docstring: what is under `Args:`, in Google's style."""
    lines = inspect.cleandoc(docstring or "").splitlines()
    headings = ("args:", "arguments:", "parameters:", "params:")
    start = next((index for index, line in enumerate(lines) if line.strip().lower() in headings), None)
    if start is None:
        return {}
    heading_indent = _indent(lines[start])
    descriptions: dict[str, list[str]] = {}
    name = ""
    name_indent = -1
    for line in lines[start + 1 :]:
        indent = _indent(line)
        if not line.strip():
            continue
        if indent <= heading_indent:
            break
        head, colon, text = line.strip().partition(":")
        if colon and (name_indent < 0 or indent <= name_indent):
            name = head.partition(" ")[0].partition("(")[0].lstrip("*")
            name_indent = indent
            descriptions[name] = [text.strip()]
        elif name:
            descriptions[name].append(line.strip())
    return {key: "\n".join(part for part in parts if part) for key, parts in descriptions.items()}


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


class _Generator(GenerateJsonSchema):
    """Makes a schema of any type: what JSON knows nothing of may be anything."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - pydantic's

    def handle_invalid_for_json_schema(self, schema: core_schema.CoreSchema, error_info: str) -> JsonSchemaValue:
        return {}


def _adapter(annotation: Any) -> TypeAdapter[Any] | None:
    config = None if _is_model(annotation) else ConfigDict(arbitrary_types_allowed=True)
    try:
        return TypeAdapter(annotation, config=config)
    except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation, PydanticUserError, NameError, TypeError):
        return None


def _is_model(annotation: Any) -> bool:
    """Whether a type has a configuration of its own, besides which pydantic takes no other."""
    return isinstance(annotation, type) and (
        hasattr(annotation, "__pydantic_fields__")
        or hasattr(annotation, "__dataclass_fields__")
        or typing.is_typeddict(annotation)
    )


def _typed(parameter: inspect.Parameter) -> tuple[Any, Any]:
    """The annotation and the default of a parameter; a default that is a `Field` belongs to the annotation."""
    annotation: Any = parameter.annotation
    if annotation is parameter.empty or isinstance(annotation, str):
        annotation = Any
    default = parameter.default
    if isinstance(default, FieldInfo):
        field = default
        has_default = field.default is not PydanticUndefined or field.default_factory is not None
        default = field.get_default(call_default_factory=True) if has_default else parameter.empty
        if field.metadata:
            parts: Any = (annotation, *field.metadata)
            annotation = Annotated[parts]
    return annotation, default


def generate_parameter_schema(signature: inspect.Signature, docstrings: dict[str, str]) -> ParameterSchema:
    """
    The schema of the parameters of a signature.

    Args:
        signature: The signature; annotations that are still text are taken to be anything.
        docstrings: Descriptions of parameters.
    """
    inputs: list[tuple[str, Literal["validation"], TypeAdapter[Any]]] = []
    schema = ParameterSchema()
    parameters = [parameter for name, parameter in signature.parameters.items() if name not in {"self", "cls"}]
    for position, parameter in enumerate(parameters):
        annotation, default = _typed(parameter)
        entry: dict[str, Any] = {"position": position, "title": parameter.name}
        description = docstrings.get(parameter.name) or _described(parameter)
        if description:
            entry["description"] = description
        schema.properties[parameter.name] = entry
        is_variadic = parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
        if default is not parameter.empty:
            _add_default(entry, default)
        elif not is_variadic:
            schema.required.append(parameter.name)
        adapter = None if is_variadic else _adapter(annotation)
        if adapter is not None:
            inputs.append((parameter.name, "validation", adapter))
    schemas, definitions = TypeAdapter.json_schemas(inputs, ref_template=_REFERENCE, schema_generator=_Generator)
    for (name, _), types in schemas.items():
        schema.properties[str(name)] = {**types, **schema.properties[str(name)]}
    schema.definitions = definitions.get("$defs", {})
    return schema


def _described(parameter: inspect.Parameter) -> str | None:
    if isinstance(parameter.default, FieldInfo):
        return parameter.default.description
    return None


def _add_default(entry: dict[str, Any], default: Any) -> None:
    try:
        entry["default"] = to_jsonable_python(default)
    except (PydanticSerializationError, ValueError, TypeError, RecursionError):
        return  # the function knows its default; a form cannot show it


def parameter_schema(fn: Callable[..., Any]) -> ParameterSchema:
    """The schema of a function's parameters: their types, defaults, and descriptions from its docstring."""
    from prefect.utilities.callables import signature_of

    signature = signature_of(fn)
    namespace = dict(getattr(inspect.unwrap(fn), "__globals__", {}))
    return generate_parameter_schema(_evaluated(signature, namespace), parameter_docstrings(inspect.getdoc(fn)))


def _evaluated(signature: inspect.Signature, namespace: Mapping[str, Any]) -> inspect.Signature:
    """The signature with annotations that are text evaluated, as far as that is possible."""
    parameters = []
    for parameter in signature.parameters.values():
        annotation = parameter.annotation
        if isinstance(annotation, str):
            annotation = _evaluate(annotation, namespace, parameter.empty)
        parameters.append(parameter.replace(annotation=annotation))
    return signature.replace(parameters=parameters)


def _evaluate(expression: str, namespace: Mapping[str, Any], fallback: Any) -> Any:
    try:
        return eval(expression, dict(namespace))  # noqa: S307 - an annotation of the user's own function
    except Exception:
        return fallback


def parameter_schema_from_entrypoint(entrypoint: str) -> ParameterSchema:
    """
    The schema of the parameters of a function that may not be importable here, as what it needs is not installed.

    Args:
        entrypoint: `path/to/file.py:function` or `module.function`.

    Raises:
        ValueError: There is no such file, module or function.
    """
    path, name = _located(entrypoint)
    source = path.read_text(encoding="utf-8")
    definition = _definition(ast.parse(source), name)
    if definition is None:
        message = f"Function {name!r} not found in {path}."
        raise ValueError(message)
    namespace = safe_load_namespace(source, filepath=str(path))
    signature = _signature(definition, namespace)
    return generate_parameter_schema(signature, parameter_docstrings(ast.get_docstring(definition, clean=False)))


def _located(entrypoint: str) -> tuple[Path, str]:
    from importlib.util import find_spec

    if ":" in entrypoint:
        file, _, name = entrypoint.rpartition(":")
        path = Path(file)
        if path.is_file():
            return path, name
    else:
        module, _, name = entrypoint.rpartition(".")
        try:
            spec = find_spec(module) if module else None
        except ModuleNotFoundError:
            spec = None
        if spec is not None and spec.origin is not None:
            return Path(spec.origin), name
    message = f"There is no file or module for the entrypoint {entrypoint!r}: give 'path/to/file.py:function'."
    raise ValueError(message)


_Definition = typing.Union[ast.FunctionDef, ast.AsyncFunctionDef]


def _definition(tree: ast.Module, name: str) -> _Definition | None:
    """The definition of a function, or of a method by `Class.method`."""
    body: list[ast.stmt] = tree.body
    *owners, last = name.split(".")
    for owner in owners:
        found = next((node for node in body if isinstance(node, ast.ClassDef) and node.name == owner), None)
        body = [] if found is None else found.body
    definitions = (node for node in body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    return next((node for node in definitions if node.name == last), None)


def _signature(definition: _Definition, namespace: Mapping[str, Any]) -> inspect.Signature:
    """The signature that a definition in the source describes; what cannot be evaluated is left open."""
    arguments = definition.args
    empty = inspect.Parameter.empty
    made: list[inspect.Parameter] = []

    def add(argument: ast.arg, kind: Any, default: ast.expr | None = None) -> None:
        annotation = empty if argument.annotation is None else _value(argument.annotation, namespace, Any)
        if isinstance(annotation, str):
            annotation = _evaluate(annotation, namespace, Any)
        value = empty if default is None else _value(default, namespace, None)
        made.append(inspect.Parameter(argument.arg, kind, default=value, annotation=annotation))

    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [*[None] * (len(positional) - len(arguments.defaults)), *arguments.defaults]
    for index, (argument, default) in enumerate(zip(positional, defaults, strict=True)):
        by_name = index >= len(arguments.posonlyargs)
        add(argument, _BY_POSITION_OR_NAME if by_name else _BY_POSITION, default)
    if arguments.vararg:
        add(arguments.vararg, inspect.Parameter.VAR_POSITIONAL)
    for argument, keyword_default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        add(argument, inspect.Parameter.KEYWORD_ONLY, keyword_default)
    if arguments.kwarg:
        add(arguments.kwarg, inspect.Parameter.VAR_KEYWORD)
    return inspect.Signature(made)


def _value(node: ast.expr, namespace: Mapping[str, Any], fallback: Any) -> Any:
    return _evaluate(ast.unparse(node), namespace, fallback)
