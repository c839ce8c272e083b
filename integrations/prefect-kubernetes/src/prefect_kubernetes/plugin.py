"""What this distribution provides. Nothing of it is imported before somebody asks for it."""

from prefect.plugins import (
    BlockSpec,
    FailureVerdict,
    JobContext,
    PluginInfo,
    SettingsSpec,
    WorkerSpec,
    register_hook,
)


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
        BlockSpec("k8s-job", "prefect_kubernetes.jobs:KubernetesJob", "Kubernetes Job"),
    ]


@register_hook
def prefect_settings() -> list[SettingsSpec]:
    """The settings `PREFECT_INTEGRATIONS_KUBERNETES_…`."""
    return [SettingsSpec("integrations.kubernetes", "prefect_kubernetes.settings:KubernetesSettings")]


@register_hook
def prefect_classify_infrastructure_failure(ctx: JobContext, error: BaseException) -> FailureVerdict | None:
    """A cluster that is busy or cannot be reached comes back."""
    if ctx.worker_type != "kubernetes" or type(error.__cause__).__name__ != "ClusterError":
        return None
    status = getattr(error.__cause__, "status", None)
    if status is None or status == 429 or status >= 500:
        return FailureVerdict("transient", "The cluster is busy, or cannot be reached.")
    return FailureVerdict("crashed", "The cluster refuses the Job.")
