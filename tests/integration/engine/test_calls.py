"""Calling flows and tasks: every kind of function, parameters, names, tags, subflows, and what is returned."""

from __future__ import annotations

import asyncio
from typing import Any

import pydantic
import pytest

from prefect import Flow, Task, flow, tags, task, unmapped
from prefect.context import FlowRunContext, TaskRunContext, get_run_context
from prefect.exceptions import FailedRun, MissingContextError, ParameterBindError, ParameterTypeError
from prefect.states import Cancelled, Completed, Failed, State


def test_a_flow_returns_what_its_function_returns_and_is_recorded(records: Any) -> None:
    @task
    def double(x: int) -> int:
        return 2 * x

    @flow
    def my_flow(x: int) -> int:
        return double(x) + 1

    assert my_flow(3) == 7
    [run] = records.flow_runs()
    assert (run.state.name, run.run_count, run.parameters) == ("Completed", 1, {"x": 3})
    assert run.start_time is not None
    assert run.end_time >= run.start_time
    [task_run] = records.task_runs()
    assert task_run.flow_run_id == run.id
    assert task_run.state_name == "Completed"
    assert records.states_of_task(task_run.id) == ["Pending", "Running", "Completed"]
    assert records.states_of_flow(run.id) == ["Pending", "Running", "Completed"]


def test_async_flows_and_tasks(records: Any, arun: Any) -> None:
    @task
    async def double(x: int) -> int:
        await asyncio.sleep(0)
        return 2 * x

    @flow
    async def my_flow() -> list[int]:
        return list(await asyncio.gather(*(double(x) for x in range(5))))

    assert arun(my_flow()) == [0, 2, 4, 6, 8]
    assert {run.state_name for run in records.task_runs()} == {"Completed"}


def test_sync_tasks_in_async_flows_and_async_tasks_submitted_from_sync_flows(arun: Any) -> None:
    @task
    def sync_task(x: int) -> int:
        return x + 1

    @task
    async def async_task(x: int) -> int:
        await asyncio.sleep(0)
        return x * 10

    @flow
    async def outer() -> int:
        return sync_task(await async_task(2))

    @flow
    def submitting() -> int:
        return async_task.submit(4).result()

    assert arun(outer()) == 21
    assert submitting() == 40


def test_generator_tasks_hand_out_values_as_they_come(records: Any) -> None:
    seen = []

    @task
    def numbers(n: int):
        for i in range(n):
            seen.append(f"made {i}")
            yield i
        return "end"

    @flow
    def consume() -> list[int]:
        values = []
        for value in numbers(3):
            seen.append(f"got {value}")
            values.append(value)
        return values

    assert consume() == [0, 1, 2]
    assert seen == ["made 0", "got 0", "made 1", "got 1", "made 2", "got 2"]
    assert records.task_runs()[0].state_name == "Completed"


def test_async_generator_flows_and_tasks(records: Any, arun: Any) -> None:
    @task
    async def numbers(n: int):
        for i in range(n):
            yield i

    @flow
    async def stream():
        async for i in numbers(3):
            yield i * 2

    async def main() -> list[int]:
        return [x async for x in stream()]

    assert arun(main()) == [0, 2, 4]
    assert [run.state_name for run in records.flow_runs()] == ["Completed"]


def test_a_generator_left_half_consumed_completes_and_its_finally_runs(records: Any) -> None:
    closed = []

    @task
    def numbers():
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    @flow
    def half() -> int:
        generator = numbers()
        first = next(generator)
        generator.close()
        return first

    assert half() == 1
    assert closed == [True]
    assert records.task_runs()[0].state_name == "Completed"


def test_a_consumer_of_a_generator_task_is_not_inside_of_the_task() -> None:
    @task
    def numbers():
        assert TaskRunContext.get() is not None
        yield 1
        assert TaskRunContext.get() is not None

    @flow
    def consume() -> None:
        for _ in numbers():
            assert TaskRunContext.get() is None

    consume()


def test_a_failing_generator_task_fails_and_raises(records: Any) -> None:
    @task
    def broken():
        yield 1
        raise ValueError("broken after one")

    @flow
    def consume() -> list[int]:
        return list(broken())

    with pytest.raises(ValueError, match="broken after one"):
        consume()
    assert records.task_runs()[0].state_name == "Failed"


def test_methods_class_methods_and_static_methods() -> None:
    class Worker:
        factor = 3

        @task
        def scaled(self, x: int) -> int:
            return x * self.factor

        @task
        @classmethod
        def class_scaled(cls, x: int) -> int:
            return x * cls.factor

        @classmethod
        @task
        def outer_class(cls, x: int) -> int:
            return x + cls.factor

        @task
        @staticmethod
        def plus_one(x: int) -> int:
            return x + 1

        @flow
        def run(self, x: int) -> list[int]:
            return [self.scaled(x), self.class_scaled(x), self.plus_one(x), self.scaled.submit(x).result()]

    assert Worker().run(2) == [6, 6, 3, 6]
    assert Worker.plus_one.isstaticmethod
    assert Worker().scaled.ismethod


def test_parameters_are_converted_to_the_declared_types() -> None:
    class Point(pydantic.BaseModel):
        x: int
        y: int = 0

    @flow
    def typed(a: int, point: Point, *rest: int, flag: bool = False, **more: float) -> Any:
        return a, point, rest, flag, more

    assert typed("5", {"x": "1"}, "2", flag="true", z="1.5") == (5, Point(x=1), (2,), True, {"z": 1.5})


def test_wrong_parameters_fail_the_run_and_say_which(records: Any) -> None:
    @flow
    def typed(x: int) -> int:
        return x

    with pytest.raises(ParameterTypeError, match="x: Input should be a valid integer"):
        typed("abc")
    state = typed("abc", return_state=True)
    assert state.is_failed()
    assert "Validation of flow parameters failed" in state.message
    assert {run.state_name for run in records.flow_runs()} == {"Failed"}
    with pytest.raises(ParameterBindError, match="missing a required argument: 'x'"):
        typed()


def test_errors_about_parameters_show_what_was_given_unless_secrets_may_be_in_it(records: Any) -> None:
    @flow
    def plain(x: int) -> None: ...

    @flow
    def secretive(login: dict[str, pydantic.SecretStr], x: int = 0) -> None: ...

    @flow
    def obscure(anything: Task[Any, Any]) -> None: ...

    def shown(call: Any) -> str:
        with pytest.raises(ParameterTypeError) as raised:
            call()
        below = raised.value.__context__
        return "" if raised.value.__suppress_context__ and raised.value.__cause__ is None else str(below)

    assert "input_value='canary'" in shown(lambda: plain("canary"))
    assert shown(lambda: secretive({"password": ["canary"]})) == ""
    assert shown(lambda: obscure("canary")) == ""


def test_validation_can_be_switched_off() -> None:
    @flow(validate_parameters=False)
    def untyped(x: int) -> Any:
        return x

    assert untyped("abc") == "abc"


@pytest.mark.parametrize("reserved", ["return_state", "wait_for"])
def test_reserved_parameter_names_are_refused(reserved: str) -> None:
    from prefect.exceptions import ReservedArgumentError

    namespace: dict[str, Any] = {}
    exec(f"def f({reserved}): ...", namespace)
    with pytest.raises(ReservedArgumentError, match=reserved):
        task(namespace["f"])


def test_run_names_are_templates_or_functions(records: Any) -> None:
    @task(task_run_name="load-{table}-{n:02d}")
    def load(table: str, n: int) -> None: ...

    @task(task_run_name=lambda: "called")
    def named() -> None: ...

    def from_parameters(parameters: dict[str, Any]) -> str:
        return f"p-{parameters['x']}"

    @flow(flow_run_name="import-{day}")
    def imports(day: str) -> None:
        load("users", 3)
        named()
        load.with_options(task_run_name="other-{table}")("t", 1)

    @flow(flow_run_name=from_parameters)
    def by_function(x: int) -> None: ...

    imports("monday")
    by_function(7)
    assert [run.name for run in records.flow_runs()] == ["import-monday", "p-7"]
    assert [run.name for run in records.task_runs()] == ["load-users-03", "called", "other-t"]


def test_a_template_that_names_no_parameter_says_which_there_are() -> None:
    @task(task_run_name="{nope}")
    def load(table: str) -> None: ...

    @flow
    def f() -> None:
        load("x")

    with pytest.raises(ValueError, match="'{nope}'.*parameters: table"):
        f()


def test_subflows_are_linked_to_their_parent_by_a_task_run(records: Any) -> None:
    @flow
    def child(x: int) -> int:
        return x + 1

    @flow
    def parent() -> int:
        return child(child(1))

    assert parent() == 3
    outer, first, second = records.flow_runs()
    stand_ins = {run.id: run for run in records.task_runs()}
    for run in (first, second):
        stand_in = stand_ins[run.parent_task_run_id]
        assert stand_in.flow_run_id == outer.id
        assert stand_in.state.state_details.child_flow_run_id == run.id
        assert stand_in.state_name == "Completed"


def test_a_failing_subflow_fails_its_parent_unless_it_is_caught(records: Any) -> None:
    @flow
    def child() -> None:
        raise ValueError("child failed")

    @flow
    def careless() -> None:
        child()

    @flow
    def careful() -> str:
        state = child(return_state=True)
        return state.name

    with pytest.raises(ValueError, match="child failed"):
        careless()
    assert careful() == "Failed"
    assert [run.state_name for run in records.flow_runs()] == ["Failed", "Failed", "Completed", "Failed"]


def test_tags_are_inherited_by_what_is_created_inside(records: Any) -> None:
    @task(tags=["own"])
    def tagged() -> None: ...

    @flow
    def f() -> None:
        with tags("inner"):
            tagged()

    with tags("outer"):
        f()
    assert records.flow_runs()[0].tags == ["outer"]
    assert records.task_runs()[0].tags == ["inner", "outer", "own"]


def test_inputs_are_tracked_to_the_runs_they_came_from(records: Any) -> None:
    @task
    def make() -> list[int]:
        return [1, 2]

    @task
    def use(values: list[int], other: Any = None) -> int:
        return len(values)

    @flow
    def f() -> None:
        made = make()
        use(made)
        future = make.submit()
        use(future, other={"nested": [make(return_state=True)]})

    f()
    runs = {run.name: run for run in records.task_runs()}
    made = [run.id for run in records.task_runs() if run.name.startswith("make")]
    first = runs["use-0"].task_inputs["values"]
    assert [source.id for source in first] == [made[0]]
    assert {source.id for source in runs["use-1"].task_inputs["values"]} == {made[1]}
    assert {source.id for source in runs["use-1"].task_inputs["other"]} == {made[2]}


def test_the_final_state_follows_what_is_returned() -> None:
    @task
    def one() -> int:
        return 1

    @task
    def bad() -> None:
        raise ValueError("no")

    @flow
    def returns_state() -> State[Any]:
        return Completed(message="done", data=5)

    @flow
    def returns_failed() -> State[Any]:
        return Failed(message="nope")

    @flow
    def returns_cancelled() -> State[Any]:
        return Cancelled(message="enough")

    @flow
    def returns_futures() -> list[Any]:
        return [one.submit(), bad.submit()]

    @flow
    def returns_future() -> Any:
        return one.submit()

    @flow
    def returns_exception() -> Any:
        return ValueError("as a value")

    @flow
    def ignores_failures() -> None:
        bad.submit()

    assert returns_state() == 5
    with pytest.raises(FailedRun, match="nope"):
        returns_failed()
    assert returns_cancelled(return_state=True).is_cancelled()
    state = returns_futures(return_state=True)
    assert state.is_failed()
    assert state.message == "1/2 states failed."
    assert returns_future(return_state=True).message == "All states completed."
    assert isinstance(returns_exception(), ValueError)
    assert ignores_failures() is None
    assert ignores_failures(return_state=True).is_completed()


def test_return_state_gives_the_state_and_raises_nothing() -> None:
    @task
    def bad() -> None:
        raise ValueError("task failed")

    @flow
    def f() -> tuple[str, str]:
        state = bad(return_state=True)
        with pytest.raises(ValueError, match="task failed"):
            state.result()
        return state.name, state.message

    assert f() == ("Failed", "Task run encountered an exception ValueError: task failed")


def test_contexts_are_there_inside_and_gone_outside() -> None:
    @task
    def inside() -> tuple[str, str]:
        context = get_run_context()
        assert isinstance(context, TaskRunContext)
        return context.task.name, FlowRunContext.get().flow.name

    @flow
    def outer() -> tuple[str, str]:
        assert isinstance(get_run_context(), FlowRunContext)
        return inside()

    assert outer() == ("inside", "outer")
    with pytest.raises(MissingContextError):
        get_run_context()


def test_tasks_can_be_called_outside_of_flows_and_inside_of_tasks(records: Any) -> None:
    @task
    def inner(x: int) -> int:
        return x + 1

    @task
    def outer(x: int) -> int:
        return inner(x) + inner.fn(1)

    assert outer(1) == 4
    runs = records.task_runs()
    assert [run.flow_run_id for run in runs] == [None, None]
    assert [source.id for source in runs[1].task_inputs["__parents__"]] == [runs[0].id]


def test_submitting_outside_of_a_flow_is_refused_with_a_remedy() -> None:
    @task
    def alone() -> None: ...

    with pytest.raises(RuntimeError, match="call it within a flow"):
        alone.submit()


def test_with_options_keeps_the_rest() -> None:
    @task(name="original", retries=2, tags=["a"])
    def f() -> None: ...

    changed = f.with_options(name="changed", retries=0)
    assert (changed.name, changed.retries, changed.tags) == ("changed", 0, {"a"})
    assert (f.name, f.retries) == ("original", 2)

    @flow(name="first", retries=1, log_prints=True)
    def g() -> None: ...

    other = g.with_options(name="second")
    assert (other.name, other.retries, other.log_prints) == ("second", 1, True)
    assert isinstance(other, Flow)
    assert isinstance(changed, Task)


def test_names_that_flows_may_not_have() -> None:
    from prefect.exceptions import InvalidNameError

    with pytest.raises(InvalidNameError, match="a/b"):
        flow(name="a/b")(lambda: None)


def test_flow_parameters_are_recorded_as_json_and_secrets_as_stars(records: Any) -> None:
    @flow
    def f(secret: pydantic.SecretStr, when: Any, odd: Any) -> None: ...

    f(pydantic.SecretStr("hunter2"), {1, 2}, object())
    [run] = records.flow_runs()
    assert "hunter2" not in str(run.parameters)
    assert run.parameters["when"] == [1, 2]
    assert run.parameters["odd"].startswith("<object")


def test_unmapped_is_exported() -> None:
    assert unmapped(1).unwrap() == 1
