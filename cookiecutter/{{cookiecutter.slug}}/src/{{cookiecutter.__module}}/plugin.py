"""What this distribution provides. It imports nothing but `prefect.plugins`: targets are imported when they are asked for."""

from prefect.plugins import PluginInfo, SerializerSpec, register_hook


@register_hook
def prefect_plugin_info() -> PluginInfo:
    """Name, version and supported plugin API."""
    return PluginInfo("{{ cookiecutter.__plugin }}", version="0.1.0", api_requires=">=0.2,<1")


@register_hook
def prefect_serializers() -> list[SerializerSpec]:
    """Serializers, by the name that stored results carry."""
    return [SerializerSpec("{{ cookiecutter.__plugin }}", "{{ cookiecutter.__module }}.serializers:{{ cookiecutter.__class }}Serializer")]
