"""What this distribution provides. It imports nothing but `prefect.plugins`: targets are imported when they are asked for."""

from prefect.plugins import (
{% if cookiecutter.block %}    BlockSpec,
{% endif %}{% if cookiecutter.cli %}    CliSpec,
{% endif %}{% if cookiecutter.lock_manager %}    LockManagerSpec,
{% endif %}{% if cookiecutter.notifier %}    NotifierSpec,
{% endif %}    PluginInfo,
{% if cookiecutter.result_storage %}    ResultStorageSpec,
{% endif %}{% if cookiecutter.serializer %}    SerializerSpec,
{% endif %}{% if cookiecutter.settings %}    SettingsSpec,
{% endif %}{% if cookiecutter.steps %}    StepSpec,
{% endif %}{% if cookiecutter.task_runner %}    TaskRunnerSpec,
{% endif %}{% if cookiecutter.worker %}    WorkerSpec,
{% endif %}    register_hook,
)


@register_hook
def prefect_plugin_info() -> PluginInfo:
    """Name, version and supported plugin API."""
    return PluginInfo("{{ cookiecutter.__plugin }}", version="0.1.0", api_requires=">=0.2,<1")
{% if cookiecutter.serializer %}

@register_hook
def prefect_serializers() -> list[SerializerSpec]:
    """Serializers, by the name that stored results carry."""
    return [SerializerSpec("{{ cookiecutter.__plugin }}", "{{ cookiecutter.__module }}.serializers:{{ cookiecutter.__class }}Serializer")]
{% endif %}{% if cookiecutter.block %}

@register_hook
def prefect_blocks() -> list[BlockSpec]:
    """Block types, by slug."""
    return [BlockSpec("{{ cookiecutter.__plugin }}-credentials", "{{ cookiecutter.__module }}.blocks:{{ cookiecutter.__class }}Credentials", "{{ cookiecutter.name }} Credentials")]
{% endif %}{% if cookiecutter.notifier %}

@register_hook
def prefect_notifiers() -> list[NotifierSpec]:
    """Ways to notify people, by kind."""
    return [NotifierSpec("{{ cookiecutter.__plugin }}", None, "{{ cookiecutter.__module }}.notifiers:{{ cookiecutter.__class }}Notifier")]
{% endif %}{% if cookiecutter.result_storage %}

@register_hook
def prefect_result_storages() -> list[ResultStorageSpec]:
    """Result storages, by the scheme of their URLs."""
    return [ResultStorageSpec(("{{ cookiecutter.__plugin }}",), None, "{{ cookiecutter.__module }}.storage:storage_of_url")]
{% endif %}{% if cookiecutter.task_runner %}

@register_hook
def prefect_task_runners() -> list[TaskRunnerSpec]:
    """Task runners, by name."""
    return [TaskRunnerSpec("{{ cookiecutter.__plugin }}", "{{ cookiecutter.__module }}.task_runners:{{ cookiecutter.__class }}TaskRunner")]
{% endif %}{% if cookiecutter.worker %}

@register_hook
def prefect_workers() -> list[WorkerSpec]:
    """Workers, by the type of their work pools."""
    return [WorkerSpec("{{ cookiecutter.__plugin }}", "{{ cookiecutter.__module }}.workers:{{ cookiecutter.__class }}Worker", description="Executes flow runs on {{ cookiecutter.name }}.")]
{% endif %}{% if cookiecutter.steps %}

@register_hook
def prefect_deployment_steps() -> list[StepSpec]:
    """Deployment steps, by the name that projects use."""
    return [StepSpec("{{ cookiecutter.__module }}.steps.fetch", "{{ cookiecutter.__module }}.steps:fetch", "{{ cookiecutter.slug }}")]
{% endif %}{% if cookiecutter.cli %}

@register_hook
def prefect_cli() -> list[CliSpec]:
    """Command groups, by name."""
    return [CliSpec("{{ cookiecutter.__plugin }}", "{{ cookiecutter.__module }}.commands:app", "What there is on {{ cookiecutter.name }}.")]
{% endif %}{% if cookiecutter.lock_manager %}

@register_hook
def prefect_lock_managers() -> list[LockManagerSpec]:
    """Lock managers, by the name that cache policies use."""
    return [LockManagerSpec("{{ cookiecutter.__plugin }}", "{{ cookiecutter.__module }}.locks:{{ cookiecutter.__class }}Locks")]
{% endif %}{% if cookiecutter.settings %}

@register_hook
def prefect_settings() -> list[SettingsSpec]:
    """Settings, by their namespace."""
    return [SettingsSpec("integrations.{{ cookiecutter.__key }}", "{{ cookiecutter.__module }}.settings:{{ cookiecutter.__class }}Settings")]
{% endif %}