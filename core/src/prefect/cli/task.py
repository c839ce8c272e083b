"""`prefect task`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from prefect.cli.errors import CliError
from prefect.cli.groups import command, noun

if TYPE_CHECKING:
    from prefect.tasks import Task

app = noun("Execute the runs of tasks that are called with `delay`.")


@command(app, "serve")
def serve(
    entrypoints: Annotated[
        Optional[list[str]],
        typer.Argument(metavar="[FILE.py:TASK]...", help="Tasks, each as path/to/file.py:name.", show_default=False),
    ] = None,
    module: Annotated[
        Optional[list[str]],
        typer.Option("--module", "-m", metavar="MODULE", help="Serve all tasks of this module. May be repeated."),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="How many runs to execute at once, at most.")] = 10,
) -> None:
    """Execute background runs of tasks until Ctrl-C. Runs under way are finished first."""
    from prefect.task_worker import serve as serve_tasks

    if not entrypoints and not module:
        raise CliError("Say what to serve: path/to/file.py:task, or --module MODULE for all tasks of a module.")
    tasks = [_task(entrypoint) for entrypoint in entrypoints or ()]
    for name in module or ():
        tasks += _tasks_of(name)
    serve_tasks(*{id(task): task for task in tasks}.values(), limit=limit)


def _task(entrypoint: str) -> Task[Any, Any]:
    from prefect.cli.finding import load_place
    from prefect.tasks import Task
    from prefect.utilities.text import fuzzy_match_string

    place, _, name = entrypoint.rpartition(":")
    if not place or not name.isidentifier():
        raise CliError(f"Invalid entrypoint {entrypoint!r}: it must be of the form path/to/file.py:task.")
    module = load_place(place)
    found = getattr(module, name, None)
    if isinstance(found, Task):
        return found
    if found is not None:
        raise CliError(f"{name!r} in {place} is not a task, but a {type(found).__name__}. Decorate it with @task.")
    there = [each for each, value in vars(module).items() if isinstance(value, Task)]
    guess = fuzzy_match_string(name, there)
    hint = f" Did you mean {guess!r}?" if guess else ""
    raise CliError(f"There is no task {name!r} in {place}. Tasks there: {', '.join(there) or 'none'}.{hint}")


def _tasks_of(name: str) -> list[Task[Any, Any]]:
    from prefect.cli.finding import load_place
    from prefect.tasks import Task

    tasks = [value for value in vars(load_place(name)).values() if isinstance(value, Task)]
    if not tasks:
        raise CliError(f"There is no task in module {name!r}. Decorate a function with @task.")
    return tasks
