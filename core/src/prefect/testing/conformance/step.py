"""What every deployment step must be able to do."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import anyio
import pytest

from prefect.deployments.steps.core import run_step, run_steps
from prefect.plugins.registries import deployment_steps

__all__ = ["StepContract"]


class StepContract:
    """
    Subclass it, and give it the fixture `inputs`.

    Attributes:
        name: The name under which projects ask for it, such as `prefect_arrow.steps.pull`.
    """

    name: str

    @pytest.fixture
    def inputs(self) -> dict[str, Any]:
        """What the step is called with, so that it succeeds."""
        raise NotImplementedError(f"{type(self).__name__} needs the fixture 'inputs'.")

    def test_its_name_is_registered(self) -> None:
        """The record leads to a function of that name."""
        assert deployment_steps.get(self.name).__name__ == self.name.rpartition(".")[2]

    def test_it_says_what_it_does(self) -> None:
        """It has a docstring, and a type for every parameter."""
        function = deployment_steps.get(self.name)
        assert inspect.getdoc(function)
        untyped = [each for each in inspect.signature(function).parameters.values() if each.annotation is each.empty]
        assert untyped == []

    def test_it_answers_with_a_mapping(self, inputs: dict[str, Any]) -> None:
        """So that later steps can refer to what it has found."""
        output = anyio.run(run_step, {self.name: inputs})
        assert output is None or isinstance(output, Mapping)
        assert all(isinstance(key, str) for key in output or ())

    def test_others_go_on_after_it(self, inputs: dict[str, Any]) -> None:
        """Its outputs are there for those under its id."""
        outputs = anyio.run(run_steps, [{self.name: {**inputs, "id": "before"}}])
        assert isinstance(outputs, Mapping)

    def test_an_input_that_it_does_not_have_is_refused(self, inputs: dict[str, Any]) -> None:
        """And not ignored."""
        with pytest.raises(Exception, match="no_such_input"):
            anyio.run(run_step, {self.name: {**inputs, "no_such_input": 1}})
