"""The earlier place of `prefect._internal.launchers`."""

from prefect.bundles.commands import get_launcher_for_side, resolve_bundle_step_with_launcher

__all__ = ["get_launcher_for_side", "resolve_bundle_step_with_launcher"]
