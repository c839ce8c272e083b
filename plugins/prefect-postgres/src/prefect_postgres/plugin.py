"""What this distribution provides: a kind of database, by the schemes of its URLs. It is imported when a URL names it."""

from prefect.plugins import BackendSpec, PluginInfo, register_hook


@register_hook
def prefect_plugin_info() -> PluginInfo:
    """Name, version and supported plugin API."""
    return PluginInfo("postgres", version="4.0.0", api_requires=">=0.2,<1")


@register_hook
def prefect_server_backends() -> list[BackendSpec]:
    """The database, under the schemes `postgresql://` and `postgres://`."""
    target = "prefect_postgres.dialect:PostgresDialect"
    return [BackendSpec("database", "postgresql", target), BackendSpec("database", "postgres", target)]
