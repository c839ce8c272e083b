"""What published packages import from private places behaves as they expect."""

from __future__ import annotations

import asyncio

import pytest

import prefect._experimental.plugins as experimental
import prefect._internal.uuid7 as ids
from prefect import plugins, task
from prefect._internal.compatibility.async_dispatch import async_dispatch, is_in_async_context
from prefect._internal.retries import exponential_backoff_with_jitter, retry_async_fn
from prefect._internal.urls import strip_auth_from_urls_in_text


class Shop:
    async def aprice(self, colour, times=1):
        return "async", colour, times

    @async_dispatch(aprice)
    def price(self, colour, times=1):
        return "sync", colour, times

    @classmethod
    async def aopen(cls, name):
        return "async", cls, name

    @classmethod
    @async_dispatch(aopen)
    def open(cls, name):
        return "sync", cls, name


def test_the_caller_decides_which_is_called():
    async def ask():
        assert is_in_async_context()
        return await Shop().price("red", times=2), await Shop.open("one")

    assert not is_in_async_context()
    assert (Shop().price("red"), Shop.open("one")) == (("sync", "red", 1), ("sync", Shop, "one"))
    assert asyncio.run(ask()) == (("async", "red", 2), ("async", Shop, "one"))


def test_the_caller_can_say_which():
    async def ask():
        return Shop().price("red", _sync=True)

    assert asyncio.run(ask()) == ("sync", "red", 1)
    assert asyncio.run(Shop().price("red", _sync=False)) == ("async", "red", 1)
    assert asyncio.run(Shop.price.aio(Shop(), "red")) == ("async", "red", 1)


def test_what_is_not_async_is_refused():
    with pytest.raises(TypeError, match="must be an async function"):
        async_dispatch(lambda: None)


def test_an_async_task_will_do():
    @task
    async def asell(colour):
        return colour

    @async_dispatch(asell)
    def sell(colour):
        return f"sync {colour}"

    assert sell("red") == "sync red"


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("clone https://ada:pw@host/x.git and HTTP://token@h/y", "clone https://host/x.git and HTTP://h/y"),
        ("https://ada:p@ss@h:80/x?by=a@b", "https://h:80/x?by=a@b"),
        ("git@host:a/b ssh://git@host/x, ada@example.org", "git@host:a/b ssh://git@host/x, ada@example.org"),
    ],
)
def test_urls_lose_their_credentials(text, stripped):
    assert strip_auth_from_urls_in_text(text) == stripped


def test_secrets_are_replaced_the_longest_first():
    text = strip_auth_from_urls_in_text("sesame sesame-open", extra_secrets=["sesame", None, "", "sesame-open"])
    assert text == "*** ***"


def test_waits_grow_to_a_limit():
    assert all(0.7 <= exponential_backoff_with_jitter(0, 1, 10) <= 1.3 for _ in range(20))
    assert all(7 <= exponential_backoff_with_jitter(9, 1, 10) <= 13 for _ in range(20))


def attempts(number, error, **options):
    calls = []

    @retry_async_fn(base_delay=0, **options)
    async def sell():
        calls.append(1)
        if len(calls) < number:
            raise error
        return "sold"

    try:
        return asyncio.run(sell()), len(calls)
    except ValueError as raised:
        return raised, len(calls)


def test_failing_calls_are_repeated():
    error = ValueError("no")
    assert attempts(3, error) == ("sold", 3)
    assert attempts(4, error, max_attempts=3) == (error, 3)
    assert attempts(2, error, retry_on_exceptions=(KeyError,)) == (error, 1)
    with pytest.raises(ValueError, match="at least 1"):
        retry_async_fn(max_attempts=0)


def test_the_others_are_what_the_product_has():
    assert experimental.register_hook is plugins.register_hook
    assert ids.uuid7() < ids.uuid7()
