"""What starts the steps that carry bundles; the names that published workers import."""

from prefect.bundles.commands import (
    BundleLauncherSide,
    get_launcher_for_side,
    normalize_launcher,
    resolve_bundle_step_with_launcher,
    validate_bundle_step_launcher,
)

__all__ = [
    "BundleLauncherSide",
    "get_launcher_for_side",
    "normalize_launcher",
    "resolve_bundle_step_with_launcher",
    "validate_bundle_step_launcher",
]
