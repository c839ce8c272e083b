"""
Execute the flow run of a bundle: `python -m prefect.bundles.execute --key PATH`.

Work pools whose storage steps fetch a bundle themselves call `execute_bundle` with it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from prefect.bundles.making import SerializedBundle

__all__ = ["execute_bundle", "execute_bundle_from_file"]


async def execute_bundle(bundle: dict[str, Any]) -> None:
    """
    Execute the flow run of a bundle in a process of its own, and wait until that has ended.

    Args:
        bundle: What `create_bundle_for_flow_run` made, read from storage.
    """
    from prefect.runner.runner import Runner

    await Runner().execute_bundle(cast("SerializedBundle", bundle))


def execute_bundle_from_file(key: str) -> None:
    """
    Execute the flow run of a bundle in a file.

    Args:
        key: The path of the file.

    Raises:
        ValueError: There is no such file, or it holds no bundle.
    """
    try:
        bundle = json.loads(Path(key).read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"There is no bundle in '{key}': {error}") from error
    asyncio.run(execute_bundle(bundle))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m prefect.bundles.execute", description="Executes a bundled flow run."
    )
    parser.add_argument("--key", required=True, help="The path of the bundle.")
    try:
        execute_bundle_from_file(parser.parse_args().key)
    except ValueError as error:
        parser.error(str(error))
