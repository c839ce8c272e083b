"""One endpoint, or one step function, makes the methods of both clients."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from prefect._contract.call import Call
from prefect.client.base import Send, ask, through
from prefect.client.orchestration.colours import awaitable, awaitable_steps, blocking, blocking_steps
from prefect.client.orchestration.secret_values import plain
from prefect.client.utilities import client_injector, get_or_create_client, inject_client
from prefect.utilities.dual import Sleep, Steps, drive


class Echo:
    """Answers each call with its path, in capital letters when asked asynchronously."""

    barrier: Callable[[], None] | None = None

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, call: Call[Any]) -> Any:
        self.sent.append(call.path)
        if call.path == "bad":
            raise KeyError(call.path)
        return call.path

    async def asend(self, call: Call[Any]) -> Any:
        return self.send(call).upper()

    def close(self) -> None: ...


def endpoint(name: str, *, twice: bool = False) -> Call[str]:
    """Ask for a name."""
    return Call("GET", name * 2 if twice else name, str)


def both(first: str, second: str = "b") -> Steps[list[str]]:
    """Ask for two names, and survive the first."""
    try:
        one = yield from ask(endpoint(first))
    except KeyError:
        one = "none"
    yield Sleep(0)
    two = yield from ask(endpoint(second))
    return [one, two]


class Blocking:
    def __init__(self, transport: Echo) -> None:
        self.transport = transport

    one = blocking(endpoint)
    two = blocking_steps(both)


class Awaitable:
    def __init__(self, transport: Echo) -> None:
        self.transport = transport

    one = awaitable(endpoint)
    two = awaitable_steps(both)


def test_an_endpoint_is_sent_over_the_clients_transport() -> None:
    assert Blocking(Echo()).one("a", twice=True) == "aa"
    assert asyncio.run(Awaitable(Echo()).one("a", twice=True)) == "AA"


def test_steps_are_taken_over_the_clients_transport() -> None:
    transport = Echo()
    assert Blocking(transport).two("a") == ["a", "b"]
    assert transport.sent == ["a", "b"]
    assert asyncio.run(Awaitable(Echo()).two("a", second="c")) == ["A", "C"]


def test_steps_hear_of_errors() -> None:
    assert Blocking(Echo()).two("bad") == ["none", "b"]
    assert asyncio.run(Awaitable(Echo()).two("bad")) == ["none", "B"]
    with pytest.raises(KeyError, match="bad"):
        Blocking(Echo()).two("a", "bad")


def test_a_transport_that_steps_name_is_kept() -> None:
    named, other = Echo(), Echo()

    def steps() -> Steps[str]:
        return (yield from ask(endpoint("a"), named))

    assert drive(through(other, steps())) == "a"
    assert (named.sent, other.sent) == (["a"], [])
    assert Send(endpoint("b"), named).perform() == "b"


def test_methods_show_the_parameters_of_their_function() -> None:
    assert str(inspect.signature(Blocking.one)) == "(self, name: 'str', *, twice: 'bool' = False) -> 'Call[str]'"
    assert list(inspect.signature(Awaitable.two).parameters) == ["self", "first", "second"]
    assert list(inspect.signature(Blocking(Echo()).two).parameters) == ["first", "second"]
    assert inspect.iscoroutinefunction(Awaitable.one)
    assert Blocking.two.__doc__ == both.__doc__
    assert Blocking.one.__name__ == "endpoint"


def test_secrets_become_plain() -> None:
    from pydantic import BaseModel, Secret, SecretBytes, SecretStr

    class Inner(BaseModel):
        s: SecretStr

    value = {
        "a": SecretStr("x"),
        "b": [Secret[int](3)],
        "c": Inner(s=SecretStr("y")),
        "d": (1, None),
        "e": SecretBytes(b"z"),
    }
    assert plain(value, include_secrets=True) == {"a": "x", "b": [3], "c": {"s": "y"}, "d": [1, None], "e": b"z"}
    hidden = "********"
    assert plain(value, include_secrets=False) == {
        "a": hidden,
        "b": [hidden],
        "c": {"s": hidden},
        "d": [1, None],
        "e": hidden,
    }


def test_functions_find_a_client(tmp_path: Any) -> None:
    from prefect.settings import temporary_settings

    @inject_client
    async def injected(x: int, client: Any = None) -> Any:
        return x, client

    async def wants_client(client: Any, x: int) -> Any:
        return x, client

    with temporary_settings({"home": tmp_path}):
        made, existed = get_or_create_client()
        assert not existed
        assert get_or_create_client(made) == (made, True)
        number, client = asyncio.run(injected(3))
        assert (number, type(client)) == (3, type(made))
        assert asyncio.run(injected(4, client=made)) == (4, made)
        number, client = asyncio.run(client_injector(wants_client)(5))
        assert (number, type(client)) == (5, type(made))
