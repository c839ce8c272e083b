"""Names that published integrations are known to provide, so that a message can say what to install."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["distribution_for"]

_BLOCKS: Mapping[str, str] = {
    "prefect-aws": "aws-credentials minio-credentials gluejobblock lambda-function s3-bucket aws-secret",
    "prefect-azure": (
        "azure-blob-storage-container azure-blob-storage-credentials azure-container-instance-credentials"
        " azure-cosmos-db-credentials azuredevops-credentials azureml-credentials azure-devops-repository"
    ),
    "prefect-bitbucket": "bitbucket-credentials bitbucket-repository",
    "prefect-databricks": "databricks-credentials",
    "prefect-dbt": (
        "dbt-core-operation dbt-cli-global-configs dbt-cli-target-configs dbt-cli-bigquery-target-configs"
        " dbt-cli-postgres-target-configs dbt-cli-snowflake-target-configs dbt-cli-profile dbt-cloud-credentials"
        " dbt-cloud-job"
    ),
    "prefect-docker": "docker-registry-credentials docker-host",
    "prefect-email": "email-server-credentials",
    "prefect-gcp": "bigquery-warehouse gcs-bucket gcp-credentials gcpsecret",
    "prefect-github": "github-credentials github-repository",
    "prefect-gitlab": "gitlab-credentials gitlab-repository",
    "prefect-kubernetes": "kubernetes-cluster-config kubernetes-credentials k8s-job",
    "prefect-redis": "redis-database",
    "prefect-shell": "shell-operation",
    "prefect-slack": "slack-credentials slack-incoming-webhook",
    "prefect-snowflake": "snowflake-credentials snowflake-connector",
    "prefect-sqlalchemy": "sqlalchemy-connector async-sqlalchemy-connector",
}

_WORKERS: Mapping[str, str] = {
    "prefect-aws": "ecs",
    "prefect-azure": "azure-container-instance",
    "prefect-docker": "docker",
    "prefect-gcp": "cloud-run cloud-run-v2 vertex-ai",
    "prefect-kubernetes": "kubernetes",
    "prefect-snowflake": "snowpark-container-service",
}

_TASK_RUNNERS: Mapping[str, str] = {"prefect-dask": "dask", "prefect-ray": "ray"}
_STORAGES: Mapping[str, str] = {"prefect-aws": "s3", "prefect-gcp": "gs gcs", "prefect-azure": "az abfs abfss"}
_LOCKS: Mapping[str, str] = {"prefect-redis": "redis"}
_BACKENDS: Mapping[str, str] = {"prefect-postgres": "database/postgresql database/postgres"}

_BY_FAMILY: Mapping[str, Mapping[str, str]] = {
    "blocks": _BLOCKS,
    "workers": _WORKERS,
    "task_runners": _TASK_RUNNERS,
    "result_storages": _STORAGES,
    "lock_managers": _LOCKS,
    "server_backends": _BACKENDS,
}


def distribution_for(family: str, name: str) -> str | None:
    """The distribution that is known to provide a name of a family, or None."""
    for distribution, names in _BY_FAMILY.get(family, {}).items():
        if name in names.split():
            return distribution
    return None
