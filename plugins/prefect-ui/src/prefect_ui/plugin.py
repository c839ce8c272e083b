"""Registers the pages."""

from __future__ import annotations

from prefect.plugins import PageSpec, register_hook


@register_hook
def prefect_server_pages() -> list[PageSpec]:
    """The pages, at the root of the server."""
    return [PageSpec("/", "prefect_ui.app:make_app", "Prefect UI")]
