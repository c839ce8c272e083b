"""Deploy to a work pool: build the image if there is one, make the deployments known, say what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.endpoints.work_pools import read_work_pool
from prefect.client.base import ask
from prefect.deployments.storage.bundles import bundle_project
from prefect.deployments.storage.local import LocalStorage
from prefect.docker.docker_image import DockerImage
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.dual import Run, Steps, asynchronous, dual

if TYPE_CHECKING:
    from prefect._contract.work_pools import WorkPool
    from prefect.deployments.runner import RunnerDeployment

__all__ = ["adeploy", "deploy"]


@dual
def deploy(
    *deployments: RunnerDeployment,
    work_pool_name: str | None = None,
    image: str | DockerImage | None = None,
    build: bool = True,
    push: bool = True,
    print_next_steps_message: bool = True,
    ignore_warnings: bool = False,
) -> Steps[list[UUID]]:
    """
    Deploy to a work pool, whose workers start the runs.

    Code that is neither in an image nor in storage is packed, the project that the working directory is, without what its
    `.prefectignore` leaves out, and stored with the block that PREFECT_DEFAULT_RESULT_STORAGE_BLOCK names.

    Args:
        deployments: What `flow.to_deployment` made.
        work_pool_name: The work pool; PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME without.
        image: The image that runs are started with, for work pools that start containers.
        build: Whether it is built before.
        push: Whether it is pushed before.
        print_next_steps_message: Whether to say how the deployments are run.
        ignore_warnings: Whether to keep quiet about what is probably not meant.

    Returns:
        The ids of the deployments.

    Raises:
        ValueError: There is no such work pool, or its workers could not get at the code of the flows.
        DeploymentApplyError: The orchestrator does not take one of them; the others are deployed.
        BuildError: The image could not be built.
        PushError: The image could not be pushed.
    """
    if not deployments:
        raise ValueError("Nothing to deploy: give what flow.to_deployment(...) made.")
    pool = yield from _pool(work_pool_name)
    _check_images(pool, image)
    ready = deployments if image is not None else (yield from _with_code(deployments))
    if pool.type == "process" and not ignore_warnings and any(isinstance(each.storage, LocalStorage) for each in ready):
        print(  # noqa: T201
            f"The work pool '{pool.name}' starts processes, and the code is in a folder of this machine: its workers must run "
            "here, too. For flows that only run here, flow.serve(...) is simpler. (ignore_warnings=True hides this.)\n"
        )
    reference = yield from _image(image, build=build, push=push)
    ids, failures = yield from _applied(ready, pool.name, reference)
    _print_outcome(deployments, failures)
    if failures:
        raise next(iter(failures.values()))
    if print_next_steps_message and not ignore_warnings:
        _print_next_steps(deployments, pool.name)
    return ids


adeploy = asynchronous(deploy)


def _pool(name: str | None) -> Steps[WorkPool]:
    name = name or get_current_settings().deployments.default_work_pool_name
    if not name:
        raise ValueError(
            "A work pool is needed to deploy to. Give work_pool_name, or set PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME."
        )
    try:
        return (yield from ask(read_work_pool(name)))
    except ObjectNotFound:
        raise ValueError(
            f"Could not find work pool '{name}'. Create it before: prefect work-pool create '{name}' --type process"
        ) from None


def _takes_images(pool: WorkPool) -> bool:
    return "image" in pool.base_job_template.get("variables", {}).get("properties", {})


def _check_images(pool: WorkPool, image: str | DockerImage | None) -> None:
    if image is not None and not _takes_images(pool):
        raise ValueError(
            f"Work pool '{pool.name}' does not support custom Docker images: its job template has no variable 'image'. Use "
            "another work pool, say with flow.from_source(...) where the code is, or use flow.serve(...) to run it here."
        )


def _with_code(deployments: tuple[RunnerDeployment, ...]) -> Steps[tuple[RunnerDeployment, ...]]:
    """The deployments, with the project put where workers get at it for those that do not say where their code is."""
    lost = [each for each in deployments if each.storage is None and each.entrypoint_type is EntrypointType.FILE_PATH]
    if not lost:
        return deployments
    names = ", ".join(each.full_name for each in lost)
    block = get_current_settings().results.default_storage_block
    if block is None:
        raise ValueError(
            "Either an image or remote storage location must be provided when deploying a deployment: workers could not get "
            f"at the code of {names}. Give image=..., say with flow.from_source(...) where the code is, let "
            "PREFECT_DEFAULT_RESULT_STORAGE_BLOCK name storage that workers share, into which the project is then put, or use "
            "flow.serve(...) to run it here."
        )
    outside = [each.full_name for each in lost if Path(each.entrypoint or "").is_absolute()]
    if outside:
        raise ValueError(
            f"The code of {', '.join(outside)} is not in the project '{Path.cwd()}'. Deploy from its folder."
        )
    bundle = yield from bundle_project(Path.cwd(), block)
    print(f"The project '{Path.cwd()}' was packed and stored as '{bundle.key}' with '{block}'.")  # noqa: T201
    return tuple(each.model_copy(update={"storage": bundle}) if each in lost else each for each in deployments)


def _image(image: str | DockerImage | None, *, build: bool, push: bool) -> Steps[str | None]:
    if image is None:
        return None
    wanted = DockerImage(name=image) if isinstance(image, str) else image
    for is_asked, does, work in ((build, "Building", wanted.build), (push, "Pushing", wanted.push)):
        if is_asked:
            print(f"{does} image {wanted.reference}...")  # noqa: T201
            yield Run(work)
    return wanted.reference


def _applied(
    deployments: tuple[RunnerDeployment, ...], pool: str, image: str | None
) -> Steps[tuple[list[UUID], dict[str, Exception]]]:
    ids, failures = [], {}
    for deployment in deployments:
        try:
            ids.append((yield from deployment._apply_steps(work_pool_name=pool, image=image)))
        except Exception as error:
            if len(deployments) == 1:
                raise
            failures[deployment.full_name] = error
    return ids, failures


def _print_outcome(deployments: tuple[RunnerDeployment, ...], failures: dict[str, Any]) -> None:
    width = max(len(deployment.full_name) for deployment in deployments)
    for deployment in deployments:
        name = deployment.full_name
        print(f"{name:<{width}}  {f'failed: {failures[name]}' if name in failures else 'applied'}")  # noqa: T201


def _print_next_steps(deployments: tuple[RunnerDeployment, ...], pool: str) -> None:
    print(f"\nTo execute its runs, start a worker:\n\n\t$ prefect worker start --pool '{pool}'\n")  # noqa: T201
    print("To start a run:\n")  # noqa: T201
    for deployment in deployments:
        print(f"\t$ prefect deployment run '{deployment.full_name}'")  # noqa: T201
    print()  # noqa: T201
