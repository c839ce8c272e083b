"""What the core itself provides, through the same hooks as any plugin. It is asked first and cannot be blocked."""

from __future__ import annotations

from typing import Any

from prefect.hookspecs import register_hook
from prefect.plugins.targets import import_target
from prefect.plugins.types import (
    BackendSpec,
    BlockSpec,
    DeliveryResult,
    FailureVerdict,
    LockManagerSpec,
    NotifierSpec,
    ResultStorageSpec,
    SerializerSpec,
    StepSpec,
    TaskRunnerSpec,
    WorkerSpec,
)

_FILES = ("read-path", "write-path")
_FILE_SYSTEM = ("get-directory", "put-directory", "read-path", "write-path")

_STEPS = {
    "pull": ("git_clone", "pull_code_bundle", "pull_from_remote_storage", "pull_with_block", "set_working_directory"),
    "utility": ("pip_install_requirements", "run_shell_script"),
}

_NOTIFICATIONS = (
    ("custom-webhook", "CustomWebhookNotificationBlock", "Custom Webhook"),
    ("discord-webhook", "DiscordWebhook", "Discord Webhook"),
    ("mattermost-webhook", "MattermostWebhook", "Mattermost Webhook"),
    ("ms-teams-webhook", "MicrosoftTeamsWebhook", "Microsoft Teams Webhook"),
    ("opsgenie-webhook", "OpsgenieWebhook", "Opsgenie Webhook"),
    ("pager-duty-webhook", "PagerDutyWebHook", "Pager Duty Webhook"),
    ("sendgrid-email", "SendgridEmail", "Sendgrid Email"),
    ("slack-webhook", "SlackWebhook", "Slack Webhook"),
    ("twilio-sms", "TwilioSMS", "Twilio SMS"),
)


@register_hook
def prefect_task_runners() -> list[TaskRunnerSpec]:
    return [
        TaskRunnerSpec("thread-pool", "prefect.task_runners:ThreadPoolTaskRunner"),
        TaskRunnerSpec("process-pool", "prefect.task_runners:ProcessPoolTaskRunner"),
        TaskRunnerSpec("sequential", "prefect.task_runners:SequentialTaskRunner"),
    ]


@register_hook
def prefect_result_storages() -> list[ResultStorageSpec]:
    return [
        ResultStorageSpec(("file", "local"), "local-file-system", "prefect.filesystems:local_storage"),
        ResultStorageSpec(("memory",), "remote-file-system", "prefect.filesystems:fsspec_storage"),
    ]


@register_hook(trylast=True)
def prefect_resolve_result_storage(reference: Any) -> Any:
    return import_target("prefect.results:resolve_builtin_storage")(reference)


@register_hook
def prefect_serializers() -> list[SerializerSpec]:
    return [
        SerializerSpec("pickle", "prefect.serializers:PickleSerializer"),
        SerializerSpec("json", "prefect.serializers:JSONSerializer"),
        SerializerSpec("compressed", "prefect.serializers:CompressedSerializer"),
        SerializerSpec("compressed/pickle", "prefect.serializers:CompressedPickleSerializer"),
        SerializerSpec("compressed/json", "prefect.serializers:CompressedJSONSerializer"),
    ]


@register_hook
def prefect_lock_managers() -> list[LockManagerSpec]:
    return [
        LockManagerSpec("memory", "prefect.locking.memory:MemoryLockManager"),
        LockManagerSpec("filesystem", "prefect.locking.filesystem:FileSystemLockManager"),
    ]


@register_hook
def prefect_server_backends() -> list[BackendSpec]:
    return [BackendSpec("database", "sqlite", "prefect.server.database.sqlite:SqliteDialect")]


@register_hook
def prefect_workers() -> list[WorkerSpec]:
    does = "Executes flow runs as processes, on the machine on which the worker runs."
    return [WorkerSpec("process", "prefect.workers.process:ProcessWorker", description=does)]


@register_hook(trylast=True)
def prefect_classify_infrastructure_failure(error: BaseException) -> FailureVerdict | None:
    verdict: FailureVerdict | None = import_target("prefect.workers._hooks:classify_connection")(error)
    return verdict


@register_hook
def prefect_deployment_steps() -> list[StepSpec]:
    return [
        StepSpec(f"prefect.deployments.steps.{name}", f"prefect.deployments.steps.{module}:{name}")
        for module, names in _STEPS.items()
        for name in names
    ]


@register_hook
def prefect_blocks() -> list[BlockSpec]:
    return [
        BlockSpec("secret", "prefect.blocks.system:Secret", "Secret"),
        BlockSpec("local-file-system", "prefect.filesystems:LocalFileSystem", "Local File System", _FILE_SYSTEM),
        BlockSpec("remote-file-system", "prefect.filesystems:RemoteFileSystem", "Remote File System", _FILE_SYSTEM),
        BlockSpec("smb", "prefect.filesystems:SMB", "SMB", _FILE_SYSTEM),
        BlockSpec(
            "redisstoragecontainer", "prefect.filesystems.redis:RedisStorageContainer", "RedisStorageContainer", _FILES
        ),
        BlockSpec("webhook", "prefect.blocks.webhook:Webhook", "Webhook"),
        *(
            BlockSpec(slug, f"prefect.blocks.notifications:{name}", title, ("notify",))
            for slug, name, title in _NOTIFICATIONS
        ),
    ]


@register_hook
def prefect_notifiers() -> list[NotifierSpec]:
    return [NotifierSpec(slug, slug, f"prefect.blocks.notifications:{name}") for slug, name, _ in _NOTIFICATIONS]


@register_hook(trylast=True)
def prefect_send_notification(target: Any, subject: str | None, body: str) -> DeliveryResult | None:
    answer: DeliveryResult | None = import_target("prefect.blocks.delivery:deliver")(target, subject, body)
    return answer
