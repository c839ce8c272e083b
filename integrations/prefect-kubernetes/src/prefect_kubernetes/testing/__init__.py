"""
A cluster for tests: an API server on this machine, and pods that are processes, or containers of podman.

    with FakeCluster() as cluster:
        pool_variables = {"cluster_config": cluster.kubeconfig}

It speaks the paths of `batch/v1` and `core/v1` that this integration uses, over HTTP, and refuses manifests that the
official schemas refuse (this needs the package `kubernetes-validate`). What it does not do: without `podman`, images are
ignored and the command runs on this machine; service accounts, resources, schedules, init containers, admission and
`ttlSecondsAfterFinished` have no effect; only the first container of a pod runs.
"""

from __future__ import annotations

from prefect.testing.podman import EMPTY_IMAGE, Podman
from prefect_kubernetes.testing.cluster import FakeCluster

__all__ = ["EMPTY_IMAGE", "FakeCluster", "Podman"]
