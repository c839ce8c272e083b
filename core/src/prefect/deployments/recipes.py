"""What a new `prefect.yaml` says of how code gets to workers, by kind of place."""

from __future__ import annotations

from typing import Any

__all__ = ["RECIPES"]

Recipe = dict[str, Any]

_IMAGE = {
    "prefect_docker.deployments.steps.build_docker_image": {
        "id": "build_image",
        "requires": "prefect-docker>=0.3.1",
        "image_name": "{{ image_name }}",
        "tag": "{{ tag }}",
        "dockerfile": "auto",
    }
}
_PUSH_IMAGE = {
    "prefect_docker.deployments.steps.push_docker_image": {
        "requires": "prefect-docker>=0.3.1",
        "image_name": "{{ build_image.image_name }}",
        "tag": "{{ build_image.tag }}",
    }
}
_CLONE = {
    "prefect.deployments.steps.git_clone": {
        "repository": "{{ repository }}",
        "branch": "{{ branch }}",
        "access_token": None,
    }
}


def _go_to(directory: str) -> Recipe:
    return {"prefect.deployments.steps.set_working_directory": {"directory": directory}}


def _in_cloud(module: str, push: str, pull: str, requires: str, place: str) -> Recipe:
    """Push to object storage when deploying, pull from it when running."""
    steps = f"{module}.deployments.steps"
    pushed = {"id": "push_code", "requires": requires, place: f"{{{{ {place} }}}}", "folder": "{{ folder }}"}
    pulled = {
        "id": "pull_code",
        "requires": requires,
        place: f"{{{{ push_code.{place} }}}}",
        "folder": "{{ push_code.folder }}",
    }
    return {"build": None, "push": [{f"{steps}.{push}": pushed}], "pull": [{f"{steps}.{pull}": pulled}]}


RECIPES: dict[str, Recipe] = {
    "local": {"build": None, "push": None, "pull": [_go_to("{{ directory }}")]},
    "git": {"build": None, "push": None, "pull": [_CLONE]},
    "docker": {"build": [_IMAGE], "push": [_PUSH_IMAGE], "pull": [_go_to("/opt/prefect/{{ folder }}")]},
    "docker-git": {"build": [_IMAGE], "push": [_PUSH_IMAGE], "pull": [_CLONE]},
    "s3": _in_cloud("prefect_aws", "push_to_s3", "pull_from_s3", "prefect-aws>=0.3.4", "bucket"),
    "gcs": _in_cloud("prefect_gcp", "push_to_gcs", "pull_from_gcs", "prefect-gcp>=0.4.3", "bucket"),
    "azure": _in_cloud(
        "prefect_azure",
        "push_to_azure_blob_storage",
        "pull_from_azure_blob_storage",
        "prefect-azure[blob_storage]>=0.2.8",
        "container",
    ),
}
for _kept in ("s3", "gcs", "azure"):
    RECIPES[f"docker-{_kept}"] = {
        "build": [_IMAGE],
        "push": [_PUSH_IMAGE, *RECIPES[_kept]["push"]],
        "pull": RECIPES[_kept]["pull"],
    }
"""By name: the sections `build`, `push` and `pull`. Placeholders that nobody fills in are for the user."""
