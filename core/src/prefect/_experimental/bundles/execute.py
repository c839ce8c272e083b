"""The earlier place of `prefect.bundles.execute`."""

from prefect.bundles.execute import execute_bundle

__all__ = ["execute_bundle"]
