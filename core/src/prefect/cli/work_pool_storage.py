"""`prefect work-pool storage`: where the code and results of a work pool's runs are kept."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import typer

from prefect.cli.errors import CliError
from prefect.cli.groups import command, noun
from prefect.cli.output import Output, print_fields, print_json, say

app = noun("Say or show where code and results of a work pool's runs are kept.")
configure_app = noun("Say where code and results of a work pool's runs are kept.")
app.add_typer(configure_app, name="configure")

Pool = Annotated[str, typer.Argument(help="The name of a work pool.")]
Launcher = Annotated[
    Optional[str],
    typer.Option(metavar="COMMAND", help="What starts the steps that carry code, rather than `uv run`."),
]
LauncherArgs = Annotated[
    Optional[list[str]], typer.Option(metavar="TEXT", help="An argument of that command. May be repeated.")
]
UploadLauncher = Annotated[
    Optional[str], typer.Option(metavar="COMMAND", help="The same for the step that runs where flows are submitted.")
]
ExecutionLauncher = Annotated[
    Optional[str], typer.Option(metavar="COMMAND", help="The same for the step that runs on the infrastructure.")
]
Bucket = Annotated[str, typer.Option("--bucket", metavar="NAME", prompt=True, help="The bucket.")]


@command(app, "inspect")
def inspect_storage(work_pool_name: Pool, output: Output = None) -> None:
    """Show where code and results of a work pool's runs are kept, if that was set."""
    configured = _read(work_pool_name).storage_configuration.model_dump(mode="json", exclude_none=True)
    if output:
        print_json(configured)
    elif configured:
        print_fields(configured)
    else:
        say(f"No storage is configured for work pool {work_pool_name!r}.")


@command(configure_app, "s3")
def s3(
    work_pool_name: Pool,
    bucket: Bucket,
    credentials_block_name: Annotated[
        Optional[str],
        typer.Option(
            "--aws-credentials-block-name", metavar="NAME", help="A block of credentials; the environment's without."
        ),
    ] = None,
    launcher: Launcher = None,
    launcher_arg: LauncherArgs = None,
    upload_launcher: UploadLauncher = None,
    upload_launcher_arg: LauncherArgs = None,
    execution_launcher: ExecutionLauncher = None,
    execution_launcher_arg: LauncherArgs = None,
) -> None:
    """Keep code and results in a bucket of S3."""
    launchers = _launchers(
        (launcher, launcher_arg), (upload_launcher, upload_launcher_arg), (execution_launcher, execution_launcher_arg)
    )
    _configure(
        work_pool_name,
        "prefect-aws",
        {"bucket": bucket, "aws_credentials_block_name": credentials_block_name},
        launchers,
        ("s3-bucket", {"bucket_name": bucket}, "credentials", "aws-credentials"),
    )


@command(configure_app, "gcs")
def gcs(
    work_pool_name: Pool,
    bucket: Bucket,
    credentials_block_name: Annotated[
        Optional[str],
        typer.Option(
            "--gcp-credentials-block-name", metavar="NAME", help="A block of credentials; the environment's without."
        ),
    ] = None,
    launcher: Launcher = None,
    launcher_arg: LauncherArgs = None,
    upload_launcher: UploadLauncher = None,
    upload_launcher_arg: LauncherArgs = None,
    execution_launcher: ExecutionLauncher = None,
    execution_launcher_arg: LauncherArgs = None,
) -> None:
    """Keep code and results in a bucket of Google Cloud Storage."""
    launchers = _launchers(
        (launcher, launcher_arg), (upload_launcher, upload_launcher_arg), (execution_launcher, execution_launcher_arg)
    )
    _configure(
        work_pool_name,
        "prefect-gcp",
        {"bucket": bucket, "gcp_credentials_block_name": credentials_block_name},
        launchers,
        ("gcs-bucket", {"bucket": bucket}, "gcp_credentials", "gcp-credentials"),
    )


@command(configure_app, "azure-blob-storage")
def azure_blob_storage(
    work_pool_name: Pool,
    container: Annotated[str, typer.Option("--container", metavar="NAME", prompt=True, help="The container.")],
    credentials_block_name: Annotated[
        str,
        typer.Option(
            "--azure-blob-storage-credentials-block-name", metavar="NAME", prompt=True, help="A block of credentials."
        ),
    ],
    launcher: Launcher = None,
    launcher_arg: LauncherArgs = None,
    upload_launcher: UploadLauncher = None,
    upload_launcher_arg: LauncherArgs = None,
    execution_launcher: ExecutionLauncher = None,
    execution_launcher_arg: LauncherArgs = None,
) -> None:
    """Keep code and results in a container of Azure Blob Storage."""
    launchers = _launchers(
        (launcher, launcher_arg), (upload_launcher, upload_launcher_arg), (execution_launcher, execution_launcher_arg)
    )
    _configure(
        work_pool_name,
        "prefect-azure",
        {"container": container, "azure_blob_storage_credentials_block_name": credentials_block_name},
        launchers,
        (
            "azure-blob-storage-container",
            {"container_name": container},
            "credentials",
            "azure-blob-storage-credentials",
        ),
    )


def _read(name: str) -> Any:
    from prefect._contract.endpoints.work_pools import read_work_pool
    from prefect.cli.asking import ask

    return ask(read_work_pool(name), missing=f"Work pool {name!r} not found! See: prefect work-pool ls")


_Given = tuple[Optional[str], Optional[list[str]]]


def _launchers(both: _Given, upload: _Given, execution: _Given) -> Any:
    """A launcher of bundles, from the options that say it."""
    sides: dict[str, list[str]] = {}
    for side, (program, arguments) in (("upload", upload), ("execution", execution)):
        chosen, further = (program, arguments) if program is not None else both
        if chosen is not None:
            sides[side] = [chosen, *(further or ())]
    for option, (program, arguments) in {"": both, "upload-": upload, "execution-": execution}.items():
        if arguments and program is None:
            raise CliError(f"--{option}launcher-arg needs --{option}launcher.")
    return sides or None


def _configure(
    name: str, package: str, options: dict[str, Any], launchers: Any, results: tuple[str, dict[str, Any], str, str]
) -> None:
    """Let a work pool keep code by the steps of a package, and results in a block of it, which is saved."""
    from prefect._contract.actions.settings import WorkPoolUpdate
    from prefect._contract.endpoints.work_pools import update_work_pool
    from prefect._contract.work_pools import WorkPoolStorageConfiguration
    from prefect.bundles.commands import resolve_bundle_step_with_launcher
    from prefect.cli.asking import ask

    _read(name)
    module = package.replace("-", "_")
    given = {"requires": package, **{option: value for option, value in options.items() if value is not None}}
    steps = {
        side: resolve_bundle_step_with_launcher({f"{module}.bundles.{step}": given}, launchers, side)  # type: ignore[arg-type]
        for side, step in (("upload", "upload"), ("execution", "execute"))
    }
    wanted = WorkPoolStorageConfiguration(
        bundle_upload_step=steps["upload"],
        bundle_execution_step=steps["execution"],
        default_result_storage_block_id=_saved_storage(name, package, options, results),
    )
    ask(update_work_pool(name, WorkPoolUpdate(storage_configuration=wanted)))
    say(f"Work pool {name!r} keeps code and results in {next(iter(options.values()))!r}, by {package}.")


def _saved_storage(
    pool: str, package: str, options: dict[str, Any], results: tuple[str, dict[str, Any], str, str]
) -> Any:
    """The id of the block that results are kept with: made, or changed."""
    from prefect.blocks.core import Block, UnknownBlockType

    slug, fields, credentials_field, credentials_slug = results
    credentials = list(options.values())[1]
    try:
        kind = Block.get_block_class_from_key(slug)
        if credentials is not None:
            fields = {**fields, credentials_field: Block.load(f"{credentials_slug}/{credentials}")}
    except UnknownBlockType:
        raise CliError(f"Blocks of type {slug!r} are part of {package}: pip install {package}") from None
    except ValueError as error:
        raise CliError(f"{error} See: prefect block ls") from None
    return kind(**fields).save(f"default-{pool}-result-storage", overwrite=True)
