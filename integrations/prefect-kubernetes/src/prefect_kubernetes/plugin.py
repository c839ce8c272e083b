"""What this distribution provides. Nothing of it is imported before somebody asks for it."""

from prefect.plugins import BlockSpec, PluginInfo, SettingsSpec, WorkerSpec, register_hook


@register_hook
def prefect_plugin_info() -> PluginInfo:
    """Name, version and supported plugin API."""
    return PluginInfo("kubernetes", version="4.0.0", api_requires=">=0.2,<1")


@register_hook
def prefect_workers() -> list[WorkerSpec]:
    """The worker, by its type."""
    does = "Executes flow runs as Jobs of a Kubernetes cluster."
    return [WorkerSpec("kubernetes", "prefect_kubernetes.worker:KubernetesWorker", description=does)]


@register_hook
def prefect_blocks() -> list[BlockSpec]:
    """The block types, by their slugs."""
    where = "prefect_kubernetes.credentials"
    return [
        BlockSpec("kubernetes-cluster-config", f"{where}:KubernetesClusterConfig", "Kubernetes Cluster Config"),
        BlockSpec("kubernetes-credentials", f"{where}:KubernetesCredentials", "Kubernetes Credentials"),
    ]


@register_hook
def prefect_settings() -> list[SettingsSpec]:
    """The settings `PREFECT_INTEGRATIONS_KUBERNETES_…`."""
    return [SettingsSpec("integrations.kubernetes", "prefect_kubernetes.settings:KubernetesSettings")]
