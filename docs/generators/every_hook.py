"""
A plugin that implements every hook: the examples of `reference/hooks.md`. Each docstring says when its hook is called.

A test registers this module as a plugin.
"""

from __future__ import annotations

import logging
import os

from prefect.plugins import (
    BackendSpec,
    BlockSpec,
    CliSpec,
    DeliveryResult,
    FailureVerdict,
    HealthCheck,
    LockManagerSpec,
    NotifierSpec,
    PageSpec,
    PluginInfo,
    ResultStorageSpec,
    SecretRef,
    SerializerSpec,
    SettingsSpec,
    SetupResult,
    StepSpec,
    TaskRunnerSpec,
    WorkerSpec,
    register_hook,
)


@register_hook
def prefect_plugin_info():
    """Once, when the plugin is loaded. A plugin whose `api_requires` does not admit this version is left out."""
    return PluginInfo("arrow", version="1.2", api_requires=">=0.2,<1", docs_url="https://example.com/arrow")


@register_hook
def prefect_task_runners():
    """Once. The name is looked up when a flow says `task_runner="dask"`."""
    return [TaskRunnerSpec("dask", "my_plugin.dask:DaskTaskRunner", install_hint="Install my-plugin[dask].")]


@register_hook
def prefect_result_storages():
    """Once. The scheme is looked up when results go to a URL such as `s3://bucket/folder`."""
    return [ResultStorageSpec(schemes=("s3",), block_slug="s3-bucket", target="my_plugin.s3:storage_of_url")]


@register_hook
def prefect_serializers():
    """Once. The type is looked up when a result is written or read that says `"arrow"`."""
    return [SerializerSpec("arrow", "my_plugin.serializers:ArrowSerializer")]


@register_hook
def prefect_lock_managers():
    """Once. A lock manager decides which of several processes computes a cached result."""
    return [LockManagerSpec("redis", "my_plugin.locks:RedisLockManager")]


@register_hook
def prefect_blocks():
    """Once. The slug is looked up when a saved block of that type is loaded."""
    return [BlockSpec("s3-bucket", "my_plugin.s3:S3Bucket", "S3 Bucket", capabilities=("read-path", "write-path"))]


@register_hook
def prefect_workers():
    """Once. A worker type serves the work pools of that type."""
    return [WorkerSpec("ecs", "my_plugin.ecs:ECSWorker", description="Runs flows as ECS tasks.")]


@register_hook
def prefect_notifiers():
    """Once. A notifier is a class whose instances have `notify(body, subject=None)`, often a block."""
    return [NotifierSpec(kind="matrix", block_slug="matrix-room", target="my_plugin.matrix:MatrixRoom")]


@register_hook
def prefect_deployment_steps():
    """Once. A step is a function that a deployment's build, push or pull section names."""
    return [StepSpec("my_plugin.steps.push_to_s3", "my_plugin.steps:push_to_s3", package="my-plugin")]


@register_hook
def prefect_cli():
    """Once. The target is a `typer.Typer`, imported when the command `arrow` is typed."""
    return [CliSpec("arrow", "my_plugin.cli:app", help="Look into results that are Arrow files.")]


@register_hook
def prefect_server_backends():
    """
    Once. Of the kind `database`, the name is the scheme of connection URLs, and the target makes a
    `prefect.server.database.dialects.Dialect` of a URL and `ConnectionOptions`.
    """
    return [BackendSpec(kind="database", name="cockroachdb", target="my_plugin.database:CockroachDialect")]


@register_hook
def prefect_server_pages():
    """
    Once. The target is called with the URL of the API when one of the pages is first asked for, and answers an ASGI app,
    which finds its own paths without the prefix. Paths of the server itself cannot be taken.
    """
    return [PageSpec(path="/arrow", target="my_plugin.pages:make_app", title="Arrow tables")]


@register_hook
def prefect_settings():
    """Once. The target is a settings model for variables such as `PREFECT_INTEGRATIONS_ARROW_…`."""
    return [SettingsSpec("integrations.arrow", "my_plugin.settings:ArrowSettings")]


@register_hook
def prefect_resolve_result_storage(reference):
    """Whenever the storage of results is named by a text that is neither a path nor a saved block; the core answers last."""
    if not reference.startswith("vault://"):
        return None
    from my_plugin.vault import VaultFileSystem

    return VaultFileSystem(reference)


@register_hook
def prefect_job_environment(ctx):
    """
    Whenever infrastructure is about to be asked to run a flow. A `SecretRef` becomes a reference to a
    secret where the infrastructure has such, and else the secret itself; its name is `type/name` or `type/name/field` of a
    block, or that of a setting of the worker.
    """
    secret = SecretRef("block", "aws-credentials/prod/aws_secret_access_key")
    return {"AWS_REGION": "eu-west-1", "AWS_SECRET_ACCESS_KEY": secret}


@register_hook
def prefect_classify_infrastructure_failure(ctx, error):
    """Whenever infrastructure did not do what it was asked to. `transient` is tried again, the others end the run."""
    if "ThrottlingException" in str(error):
        return FailureVerdict("transient", "The cloud asks for fewer requests.")
    return None


@register_hook
def prefect_send_notification(target, subject, body):
    """Whenever a notification is to be delivered."""
    if not str(target).startswith("matrix:"):
        return None
    return DeliveryResult(delivered=True, detail=f"{len(body)} characters to {target}")


@register_hook
def setup_environment(ctx):
    """Before a process of the product runs its first flow, if `PREFECT_PLUGINS_ENABLED` is true."""
    ctx.logger_factory("arrow").debug("No credentials are needed.")
    return SetupResult(env={"ARROW_DEFAULT_MEMORY_POOL": "system"}, note="Arrow uses the system's memory pool.")


@register_hook
def set_database_connection_params(connection_url, settings):
    """Whenever a connection pool for a database server is made, if `PREFECT_PLUGINS_ENABLED` is true."""
    return {"sslmode": "verify-full"} if connection_url.startswith("postgresql") else {}


@register_hook
def prefect_startup(ctx):
    """When a process of the product has started: a flow run, a worker, a server."""
    logging.getLogger("arrow").info("A %s of Prefect %s has started.", ctx.role, ctx.prefect_version)


@register_hook
def prefect_diagnose():
    """When somebody runs `prefect plugins diagnose`. A check answers a line for people, or raises."""
    return [HealthCheck("arrow", run=lambda: f"The home is {os.environ.get('ARROW_HOME', 'not set')}.")]
