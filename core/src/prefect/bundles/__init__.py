"""Flow runs that carry their code along, to be executed where it is not."""

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect.bundles.commands import (
        BundleLauncher,
        BundleLauncherOverride,
        convert_step_to_command,
    )
    from prefect.bundles.execute import execute_bundle_from_file
    from prefect.bundles.making import (
        BundleCreationResult,
        SerializedBundle,
        create_bundle_for_flow_run,
        extract_flow_from_bundle,
    )
    from prefect.bundles.processes import execute_bundle_in_subprocess
    from prefect.bundles.uploading import aupload_bundle_to_storage, upload_bundle_to_storage

__all__ = [
    "BundleCreationResult",
    "BundleLauncher",
    "BundleLauncherOverride",
    "SerializedBundle",
    "aupload_bundle_to_storage",
    "convert_step_to_command",
    "create_bundle_for_flow_run",
    "execute_bundle_from_file",
    "execute_bundle_in_subprocess",
    "extract_flow_from_bundle",
    "upload_bundle_to_storage",
]

_MAKING = ("BundleCreationResult", "SerializedBundle", "create_bundle_for_flow_run", "extract_flow_from_bundle")

lazy.install(
    globals(),
    {
        "BundleLauncher": "prefect.bundles.commands",
        "BundleLauncherOverride": "prefect.bundles.commands",
        "aupload_bundle_to_storage": "prefect.bundles.uploading",
        "convert_step_to_command": "prefect.bundles.commands",
        "execute_bundle_from_file": "prefect.bundles.execute",
        "execute_bundle_in_subprocess": "prefect.bundles.processes",
        "upload_bundle_to_storage": "prefect.bundles.uploading",
    }
    | dict.fromkeys(_MAKING, "prefect.bundles.making"),
)
