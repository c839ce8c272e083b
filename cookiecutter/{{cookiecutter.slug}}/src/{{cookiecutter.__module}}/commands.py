"""Commands: `prefect {{ cookiecutter.__plugin }} ...`."""

import typer

app = typer.Typer(help="What there is on {{ cookiecutter.name }}.")


@app.callback()
def group() -> None:
    """What there is on {{ cookiecutter.name }}."""


@app.command()
def hello(name: str = "you") -> None:
    """Say hello."""
    typer.echo(f"Hello, {name}.")
