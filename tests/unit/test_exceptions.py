"""The errors: one tree, picklable, usable without a server."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys

import httpx
import pytest
from pydantic import BaseModel, ValidationError

from prefect import exceptions
from prefect.exceptions import (
    EventTooLarge,
    MissingContextError,
    ObjectAlreadyExists,
    ObjectNotFound,
    ParameterBindError,
    ParameterTypeError,
    PausedRun,
    PrefectException,
    PrefectHTTPStatusError,
    PrefectImportError,
    PrefectSignal,
    ProfileSettingsValidationError,
    ScriptError,
    SignatureMismatchError,
    TerminationSignal,
    exception_traceback,
)

OUTSIDE_OF_THE_TREE = {"PrefectHTTPStatusError", "PrefectImportError", "ServerUnreachableError"}


def http_error() -> httpx.HTTPStatusError:
    request = httpx.Request("GET", "http://x/y")
    response = httpx.Response(404, request=request, json={"detail": "nope"})
    return httpx.HTTPStatusError("bad", request=request, response=response)


def classes() -> dict[str, type]:
    members = {name: getattr(exceptions, name) for name in exceptions.__all__}
    return {name: member for name, member in members.items() if inspect.isclass(member)}


def test_all_errors_are_in_the_tree_and_in_its_drawing():
    for name, member in classes().items():
        assert name in exceptions.__doc__
        if issubclass(member, Exception) and name not in OUTSIDE_OF_THE_TREE:
            assert issubclass(member, PrefectException)


def test_signals_are_not_caught_by_except_exception():
    for name in ("Abort", "Pause", "PrefectSignal", "ExternalSignal", "TerminationSignal"):
        assert not issubclass(classes()[name], Exception)
    assert issubclass(exceptions.Abort, PrefectSignal)


def error_of_types() -> ValidationError:
    class Model(BaseModel):
        a: int
        b: list[str]

    with pytest.raises(ValidationError) as caught:
        Model(a="x", b=[1])
    return caught.value


EXAMPLES = [
    ObjectNotFound(),
    ObjectNotFound(None, "There is no flow 'x'."),
    ObjectNotFound(help_message="There is no flow 'x'."),
    ObjectNotFound(http_error(), "help"),
    ObjectAlreadyExists(http_error()),
    ObjectAlreadyExists(None, "It exists."),
    ScriptError(ValueError("a"), "p.py"),
    PausedRun("paused", state=3),
    TerminationSignal(15),
    EventTooLarge(3, 2),
    PrefectImportError("x"),
    MissingContextError("x"),
    SignatureMismatchError.from_bad_params(["a"], ["b"]),
    ParameterTypeError("x"),
    PrefectHTTPStatusError.from_httpx_error(http_error()),
    PrefectHTTPStatusError.from_refusal("POST", "/flows/", 409, "exists"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_errors_survive_pickling(error):
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error)
    if getattr(error, "http_exc", None) is None:
        assert str(twin) == str(error)
    else:
        assert "nope" in str(twin.http_exc)  # the answer's body is in the message
    for name in ("state", "signal", "size", "maximum", "path", "help_message"):
        assert getattr(twin, name, None) == getattr(error, name, None)
    if isinstance(error, PrefectHTTPStatusError):
        assert twin.response.status_code == error.response.status_code
        assert twin.response.json() == error.response.json()


def test_what_is_missing_is_said():
    assert str(ObjectNotFound(help_message="There is no flow 'x'.")) == "There is no flow 'x'."
    assert ObjectNotFound(http_error()).http_exc.response.status_code == 404
    assert str(ObjectNotFound(http_error())) == "bad"
    assert str(ObjectNotFound(http_error(), "help")) == "help"
    assert str(ObjectNotFound()) == ""


def test_a_refusal_is_the_same_with_and_without_a_server():
    error = PrefectHTTPStatusError.from_refusal("POST", "/flows/", 409, "exists")
    assert isinstance(error, httpx.HTTPStatusError)
    assert error.response.status_code == 409
    assert error.response.json() == {"detail": "exists"}
    assert str(error) == "POST /flows/ was refused with status 409: exists"
    assert "'detail': 'nope'" in str(PrefectHTTPStatusError.from_httpx_error(http_error()))


def test_messages_about_calls():
    def fn(a, b=1): ...

    with pytest.raises(TypeError) as caught:
        inspect.signature(fn).bind(1, 2, 3)
    error = ParameterBindError.from_bind_failure(fn, caught.value, (1, 2, 3), {})
    assert isinstance(error, TypeError)
    assert "'fn': too many positional arguments" in str(error)
    assert "(a, b=1)" in str(error)
    assert "(1, 2, 3)" in str(error)
    message = str(ParameterTypeError.from_validation_error(error_of_types()))
    assert message.startswith("Flow run received invalid parameters:\n - a: ")
    assert "\n - b.0: " in message
    assert str(ScriptError(ValueError("a"), "p.py")) == "Script at 'p.py' encountered an exception: ValueError('a')"
    assert str(EventTooLarge(3, 2)) == "Event is too large to emit (3 > 2 bytes)"
    assert ProfileSettingsValidationError([("x", error_of_types())]).errors[0][0] == "x"


def test_tracebacks_as_text():
    try:
        raise ValueError("broken")
    except ValueError as error:
        text = exception_traceback(error)
    assert text.startswith("Traceback")
    assert text.endswith("ValueError: broken\n")


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'Nope'"):
        exceptions.Nope


def test_importing_the_errors_does_not_load_httpx():
    code = (
        "import sys; from prefect.exceptions import ObjectNotFound; str(ObjectNotFound(help_message='x'));"
        "assert 'httpx' not in sys.modules and 'pydantic' not in sys.modules;"
        "from prefect.exceptions import PrefectHTTPStatusError; assert 'httpx' in sys.modules;"
        "assert PrefectHTTPStatusError.__module__ == 'prefect.exceptions'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
