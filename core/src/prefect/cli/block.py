"""`prefect block`."""

from __future__ import annotations

import sys
from abc import ABC
from typing import TYPE_CHECKING, Annotated, Any, Optional
from uuid import UUID

import typer

from prefect.cli.errors import CliError
from prefect.cli.groups import command, noun
from prefect.cli.output import Output, confirm, print_fields, print_json, say

if TYPE_CHECKING:
    from types import ModuleType

    from prefect._contract.blocks import BlockDocument, BlockType
    from prefect.blocks.core import Block

app = noun("Show, create, register and delete stored configuration.", aliases={"types": "type"})
type_app = noun("Show and delete kinds of blocks.")
app.add_typer(type_app, name="type")

Slug = Annotated[Optional[str], typer.Argument(help="A block: its type and its name, such as secret/api-key.")]
Id = Annotated[Optional[UUID], typer.Option("--id", metavar="UUID", help="The id of a block.")]
TypeSlug = Annotated[str, typer.Argument(help="A type of blocks, such as secret.")]


@command(app, "ls")
def ls(output: Output = None) -> None:
    """List blocks."""
    from prefect._contract.endpoints.block_documents import read_block_documents
    from prefect._contract.sorting import BlockDocumentSort
    from prefect.cli.asking import pages
    from prefect.cli.tables import Column, print_table

    sort = BlockDocumentSort.BLOCK_TYPE_AND_NAME_ASC
    found = list(pages(lambda most, at: read_block_documents(include_secrets=False, sort=sort, limit=most, offset=at)))
    if output:
        print_json(found)
        return
    rows = [(each.id, each.block_type_name or _type_slug(each), each.name, _slug(each)) for each in found]
    print_table([Column("ID", whole=True), "Type", "Name", "Slug"], rows, "No blocks found.")


def _type_slug(document: BlockDocument) -> str:
    return document.block_type.slug if document.block_type is not None else ""


def _slug(document: BlockDocument) -> str:
    return f"{_type_slug(document)}/{document.name}"


def _read(context: typer.Context, slug: str | None, block_id: UUID | None) -> BlockDocument:
    from prefect._contract.endpoints.block_documents import read_block_document
    from prefect._contract.endpoints.block_types import read_block_document_by_name
    from prefect.cli.asking import ask

    if (slug is None) == (block_id is None):
        context.fail("Give either a block such as secret/api-key, or --id.")
    if block_id is not None:
        return ask(read_block_document(block_id, include_secrets=False), missing=f"Block '{block_id}' not found!")
    type_slug, slash, name = str(slug).partition("/")
    if not slash or not name:
        raise CliError(f"{slug!r} does not name a block: give its type and its name, such as secret/api-key.")
    missing = f"Block {slug!r} not found! See: prefect block ls"
    return ask(read_block_document_by_name(name, type_slug, include_secrets=False), missing=missing)


@command(app, "inspect")
def inspect(context: typer.Context, slug: Slug = None, block_id: Id = None, output: Output = None) -> None:
    """Show a block. Secret values are masked."""
    from prefect.cli.moments import clock

    document = _read(context, slug, block_id)
    if output:
        print_json(document)
        return
    fields: dict[str, Any] = {
        "ID": document.id,
        "Block": _slug(document),
        "Type": document.block_type_name,
        "Created": document.created and clock(document.created),
        "Updated": document.updated and clock(document.updated),
        **{f"  {name}": value for name, value in document.data.items()},
    }
    print_fields(fields)


@command(app, "create")
def create(
    context: typer.Context,
    block_type_slug: TypeSlug,
    name: Annotated[Optional[str], typer.Option("--name", "-n", help="The name of the block.")] = None,
    values: Annotated[
        Optional[list[str]],
        typer.Option(
            "--set", "-s", metavar="FIELD=VALUE", help="A field; the value is JSON, or else text. May be repeated."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite/--no-overwrite", help="Replace a block of that name.", show_default=False)
    ] = False,
) -> None:
    """
    Create a block of a type.

    On a terminal, the name and the values that are needed and were not given are asked for; secret ones are not shown.
    """
    from prefect.cli.block_creating import creation_of
    from prefect.cli.output import is_interactive
    from prefect.cli.parameters import parse_pairs

    creation = creation_of(block_type_slug)
    creation.take(parse_pairs(values or [], "--set", creation.texts))
    if is_interactive(context):
        name = name or typer.prompt("Name")
        for each in creation.missing():
            meaning = creation.properties[each].get("description")
            if meaning:
                say(meaning)
            hidden = creation.is_secret(each) and sys.stdin.isatty()
            answer = typer.prompt(each, hide_input=hidden)
            creation.take(parse_pairs([f"{each}={answer}"], "--set", creation.texts))
    creation.require_all()
    if name is None:
        raise CliError("The block needs a name: --name NAME", exit_code=2)
    block_id = creation.save(name, creation.values, overwrite)
    say(f"Saved block '{block_type_slug}/{name}' ({block_id}).")


@command(app, "delete")
def delete(context: typer.Context, slug: Slug = None, block_id: Id = None) -> None:
    """Delete a block."""
    from prefect._contract.endpoints.block_documents import delete_block_document
    from prefect.cli.asking import ask

    document = _read(context, slug, block_id)
    confirm(context, f"Delete block {_slug(document)!r}?")
    ask(delete_block_document(document.id))
    say(f"Deleted block {_slug(document)!r}.")


@command(app, "register")
def register(
    context: typer.Context,
    module_name: Annotated[
        Optional[str], typer.Option("--module", "-m", help="The module that defines blocks.")
    ] = None,
    file_path: Annotated[Optional[str], typer.Option("--file", "-f", help="The file that defines blocks.")] = None,
) -> None:
    """Make the types of blocks that a module or file defines known to the orchestrator."""
    if (module_name is None) == (file_path is None):
        context.fail("Give either --module or --file.")
    module = _module(module_name) if module_name is not None else _script(str(file_path))
    blocks = blocks_in(module)
    if not blocks:
        raise CliError(
            f"There are no types of blocks in {module_name or file_path}: no classes that derive from Block."
        )
    for block in blocks:
        block.register_type_and_schema()
    say(f"Successfully registered {len(blocks)} block{'s' if len(blocks) > 1 else ''}:")
    for block in blocks:
        say(f"  {block.get_block_type_slug()}  {block.get_block_type_name()}")


def _module(name: str) -> ModuleType:
    from prefect.utilities.importtools import load_module

    try:
        return load_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise CliError(f"{name} cannot be imported: it needs {error.name!r}, which is not installed.") from None
        raise CliError(f"There is no module {name!r} here. Is it installed in this environment?") from None
    except Exception as error:
        raise CliError(f"{name} cannot be imported: {type(error).__name__}: {error}") from None


def _script(path: str) -> ModuleType:
    from pathlib import Path

    from prefect.exceptions import ScriptError
    from prefect.utilities.importtools import load_script_as_module

    if not path.endswith(".py") or not Path(path).is_file():
        raise CliError(f"{path!r} is not a Python file (looked for {Path(path).absolute()}).")
    try:
        return load_script_as_module(path)
    except ScriptError as error:
        raise CliError(f"{path} cannot be loaded: {type(error.user_exc).__name__}: {error.user_exc}") from None


def blocks_in(module: ModuleType) -> list[type[Block]]:
    """The types of blocks that a module holds and that can be saved, by name."""
    from prefect.blocks.core import Block

    found = {
        value
        for value in (getattr(module, name) for name in dir(module))  # exports may be lazy
        if isinstance(value, type) and issubclass(value, Block) and value is not Block and not _is_abstract(value)
    }
    return sorted(found, key=lambda block: block.get_block_type_slug())


def _is_abstract(block: type[Any]) -> bool:
    """Whether it is there to be derived from: its class says so, or it lacks a method."""
    return ABC in block.__bases__ or bool(getattr(block, "__abstractmethods__", None))


# -- types ------------------------------------------------------------------------------------------------------------


@command(type_app, "ls")
def type_ls(output: Output = None) -> None:
    """List the types of blocks: those that are known to the orchestrator, and those that are installed here."""
    from prefect._contract.endpoints.block_types import read_block_types
    from prefect.cli.asking import pages
    from prefect.cli.tables import print_table

    known = list(pages(lambda limit, offset: read_block_types(limit=limit, offset=offset)))
    if output:
        print_json(known)
        return
    slugs = {each.slug for each in known}
    rows = [(each.slug, each.name, (each.description or "").partition("\n")[0], "registered") for each in known]
    rows += [(slug, name, wrong, "installed") for slug, name, wrong in _installed() if slug not in slugs]
    print_table(["Slug", "Name", "Description", "Status"], sorted(rows), "No types of blocks found.")


def _installed() -> list[tuple[str, str, str]]:
    """
    The types that the core and plugins provide, from their records: none of them is imported.

    Returns:
        Slug, name, and what is wrong with the type, if something is.
    """
    from prefect.plugins import registries
    from prefect.plugins.errors import PluginConflictError, UnknownNameError

    found = []
    for slug in registries.blocks.names():
        try:
            found.append((slug, str(getattr(registries.blocks.spec(slug), "display_name", "")), ""))
        except UnknownNameError:  # a class of this process
            found.append((slug, registries.blocks.get(slug).get_block_type_name(), ""))
        except PluginConflictError as error:
            found.append((slug, "", str(error)))
    return found


def _read_type(slug: str) -> BlockType:
    from prefect._contract.endpoints.block_types import read_block_type_by_slug
    from prefect.client.base import current_transport
    from prefect.exceptions import ObjectNotFound

    try:
        return current_transport().send(read_block_type_by_slug(slug))
    except ObjectNotFound:
        raise CliError(_missing_type(slug)) from None


def _missing_type(slug: str) -> str:
    """What to say of a type that the orchestrator does not know."""
    from prefect.plugins import registries
    from prefect.plugins.known import distribution_for

    if slug in registries.blocks.names():
        module = registries.blocks.get(slug).__module__
        return f"Block type {slug!r} is installed here, but not registered: prefect block register -m {module}"
    package = distribution_for(registries.blocks.family.key, slug)
    remedy = f"It is part of {package}: pip install {package}" if package else "See: prefect block type ls"
    return f"Block type {slug!r} not found! {remedy}"


@command(type_app, "inspect")
def type_inspect(slug: TypeSlug, output: Output = None) -> None:
    """Show a type of blocks, and the fields of its blocks."""
    from prefect.cli.block_creating import schemas_of

    found = _read_type(slug)
    schemas = schemas_of(found.id)
    if output:
        print_json(
            {**found.model_dump(mode="json"), "block_schemas": [each.model_dump(mode="json") for each in schemas]}
        )
        return
    print_fields(
        {
            "ID": found.id,
            "Slug": found.slug,
            "Name": found.name,
            "Description": found.description,
            "Documentation": found.documentation_url and str(found.documentation_url),
            "Example": found.code_example,
        }
    )
    for schema in schemas[:1]:
        say("Fields")
        properties = schema.fields.get("properties", {})
        print_fields(
            {f"  {name}": field.get("description") or field.get("title") for name, field in properties.items()}
        )


@command(type_app, "delete")
def type_delete(context: typer.Context, slug: TypeSlug) -> None:
    """Delete a type of blocks, with all of its blocks."""
    from prefect._contract.endpoints.block_types import delete_block_type
    from prefect.cli.asking import ask

    found = _read_type(slug)
    confirm(context, f"Delete block type {slug!r}, and all blocks of that type?")
    ask(delete_block_type(found.id))
    say(f"Deleted block type {slug!r}.")
