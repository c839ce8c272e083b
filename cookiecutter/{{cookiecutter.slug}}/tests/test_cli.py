"""The command group is one of the product's."""

from prefect.testing.cli import invoke_and_assert


def test_it_says_hello() -> None:
    invoke_and_assert(["{{ cookiecutter.__plugin }}", "hello", "--name", "Ada"], expected_output_contains="Hello, Ada.")
