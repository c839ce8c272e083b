"""
Typed inputs to running flows.

    class Approval(RunInput):
        approved: bool
        comment: str = ""

    approval = pause_flow_run(wait_for_input=Approval)      # in a flow: wait for a form to be filled in
    for word in receive_input(str, timeout=60): ...         # or take what other runs send
"""

from inspect import isclass
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Dict,
    Generic,
    Literal,
    Optional,
    Set,
    Type,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
)
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, PrivateAttr, create_model

from prefect.input.actions import (
    create_flow_run_input,
    create_flow_run_input_from_model,
    ensure_flow_run_id,
    read_flow_run_input,
)
from prefect.input.handlers import PATIENCE, POLL, GetAutomaticInputHandler, GetInputHandler
from prefect.utilities.dual import Dual, Steps, asynchronous, dual
from prefect.utilities.dual_methods import ClassDual, class_asynchronous, class_dual

if TYPE_CHECKING:
    from typing_extensions import Self

    from prefect._contract.artifacts import FlowRunInput
    from prefect._contract.state import State

__all__ = [
    "AutomaticRunInput",
    "BaseRunInput",
    "GetAutomaticInputHandler",
    "GetInputHandler",
    "Keyset",
    "RunInput",
    "RunInputMetadata",
    "asend_input",
    "keyset_from_base_key",
    "keyset_from_paused_state",
    "receive_input",
    "run_input_subclass_from_type",
    "send_input",
]

R = TypeVar("R", bound="RunInput")
B = TypeVar("B", bound="BaseRunInput")
T = TypeVar("T")

Keyset = Dict[Union[Literal["description"], Literal["response"], Literal["schema"]], str]
"""The keys under which the parts of an input that is waited for are kept."""

_SENDER = "prefect.flow-run."


def keyset_from_paused_state(state: "State[Any]") -> Keyset:
    """
    The keys of the input that a paused flow run waits for.

    Raises:
        RuntimeError: The state is not Paused.
    """
    if not state.is_paused():
        raise RuntimeError(f"Only a paused flow run waits for an input; this state is {state.name}.")
    return keyset_from_base_key(f"{(state.name or '').lower()}-{state.state_details.pause_key}")


def keyset_from_base_key(base_key: str) -> Keyset:
    """The keys that begin with a base key."""
    return {
        "description": f"{base_key}-description",
        "response": f"{base_key}-response",
        "schema": f"{base_key}-schema",
    }


class RunInputMetadata(BaseModel):
    """
    What is known of an input apart from its values.

    Args:
        key: Names it.
        sender: Who sent it.
        receiver: The flow run that it was sent to.
    """

    key: str
    sender: Optional[str] = None
    receiver: UUID


class BaseRunInput(BaseModel):
    """What all inputs have in common."""

    model_config = ConfigDict(extra="forbid", defer_build=True, ignored_types=(Dual, ClassDual))

    _description: ClassVar[Optional[str]] = None
    _metadata: Optional[RunInputMetadata] = PrivateAttr(None)

    @property
    def metadata(self) -> RunInputMetadata:
        """
        Where the input comes from.

        Raises:
            RuntimeError: It was made here, not received.
        """
        if self._metadata is None:
            raise RuntimeError(f"This {type(self).__name__} was not received, so it has no metadata.")
        return self._metadata

    @classmethod
    def keyset_from_type(cls) -> Keyset:
        """The keys for inputs of this class."""
        return keyset_from_base_key(cls.__name__.lower())

    @classmethod
    def _save_steps(cls, keyset: Keyset, flow_run_id: Optional[UUID] = None) -> Steps[None]:
        """
        Tell a flow run's watchers what it waits for: the schema of the class, and its description.

        Args:
            keyset: The keys to keep them under.
            flow_run_id: The run; the current one by default.
        """
        yield from create_flow_run_input.steps(
            keyset["schema"], cls.model_json_schema(mode="serialization"), flow_run_id
        )
        if cls._description:
            yield from create_flow_run_input.steps(keyset["description"], cls._description, flow_run_id)

    @classmethod
    def _load_steps(cls, keyset: Keyset, flow_run_id: Optional[UUID] = None) -> Steps[Any]:
        """
        Read the answer to what a flow run waited for.

        Args:
            keyset: The keys that it was saved with.
            flow_run_id: The run; the current one by default.

        Raises:
            pydantic.ValidationError: The answer does not fit, or there is none and a field has no default.
        """
        run_id = ensure_flow_run_id(flow_run_id)
        values = yield from read_flow_run_input.steps(keyset["response"], run_id)
        instance = cls(**(values or {}))
        instance._metadata = RunInputMetadata(key=keyset["response"], sender=None, receiver=run_id)
        return instance

    @classmethod
    def load_from_flow_run_input(cls, flow_run_input: "FlowRunInput") -> "Self":
        """
        Make an instance of what a flow run was sent.

        Raises:
            pydantic.ValidationError: It does not fit the class.
        """
        instance = cls(**flow_run_input.decoded_value)
        instance._metadata = RunInputMetadata(
            key=flow_run_input.key, sender=flow_run_input.sender, receiver=flow_run_input.flow_run_id
        )
        return instance

    @classmethod
    def with_initial_data(cls: Type[B], description: Optional[str] = None, **kwargs: Any) -> Type[B]:
        """
        The same class with other defaults, which people see in the form that they fill in.

        Args:
            description: An explanation, in Markdown.
            kwargs: The new default of each field.
        """
        fields: dict[str, Any] = {}
        for name, default in kwargs.items():
            fields[name] = (cls.model_fields[name].annotation, default)
        model = create_model(cls.__name__, __base__=cls, __module__=cls.__module__, __doc__=cls.__doc__, **fields)
        if description is not None:
            model._description = description
        return model

    def _respond_steps(
        self, run_input: Any, sender: Optional[str] = None, key_prefix: Optional[str] = None
    ) -> Steps[None]:
        """
        Send an input to the flow run that sent this one.

        Args:
            run_input: A RunInput, or any value that JSON can hold.
            sender: Who sends it; the current flow run by default.
            key_prefix: How the receiver finds it; by its type by default.

        Raises:
            RuntimeError: This one was not sent by a flow run.
        """
        origin = self.metadata.sender
        if origin is None or not origin.startswith(_SENDER):
            raise RuntimeError(f"Only a flow run can be answered; this input was sent by {origin or 'nobody known'}.")
        yield from _send(run_input, UUID(origin.removeprefix(_SENDER)), sender, key_prefix)

    def _send_to_steps(
        self, flow_run_id: UUID, sender: Optional[str] = None, key_prefix: Optional[str] = None
    ) -> Steps[None]:
        """
        Send this input to a flow run.

        Args:
            flow_run_id: The run.
            sender: Who sends it; the current flow run by default.
            key_prefix: How the receiver finds it; by its type by default.
        """
        yield from _send(self, flow_run_id, sender, key_prefix)

    if TYPE_CHECKING:

        @classmethod
        def save(cls, keyset: Keyset, flow_run_id: Optional[UUID] = None) -> None: ...
        @classmethod
        async def asave(cls, keyset: Keyset, flow_run_id: Optional[UUID] = None) -> None: ...
        @classmethod
        def load(cls, keyset: Keyset, flow_run_id: Optional[UUID] = None) -> Any: ...
        @classmethod
        async def aload(cls, keyset: Keyset, flow_run_id: Optional[UUID] = None) -> Any: ...
        def respond(self, run_input: Any, sender: Optional[str] = None, key_prefix: Optional[str] = None) -> None: ...
        async def arespond(
            self, run_input: Any, sender: Optional[str] = None, key_prefix: Optional[str] = None
        ) -> None: ...
        def send_to(
            self, flow_run_id: UUID, sender: Optional[str] = None, key_prefix: Optional[str] = None
        ) -> None: ...
        async def asend_to(
            self, flow_run_id: UUID, sender: Optional[str] = None, key_prefix: Optional[str] = None
        ) -> None: ...

    else:
        save = class_dual(_save_steps.__func__)
        asave = class_asynchronous(save)
        load = class_dual(lambda cls, keyset, flow_run_id=None: cls._load_steps(keyset, flow_run_id))
        aload = class_asynchronous(load)
        respond = dual(_respond_steps)
        arespond = asynchronous(respond)
        send_to = dual(_send_to_steps)
        asend_to = asynchronous(send_to)


class RunInput(BaseRunInput):
    """A form for people, or a message between flow runs. Subclasses declare its fields."""

    @classmethod
    def receive(
        cls,
        timeout: Optional[float] = PATIENCE,
        poll_interval: float = POLL,
        raise_timeout_error: bool = False,
        exclude_keys: Optional[Set[str]] = None,
        key_prefix: Optional[str] = None,
        flow_run_id: Optional[UUID] = None,
    ) -> "GetInputHandler[Self]":
        """
        Take inputs of this class as they come: iterate over the answer, or call its `next`.

        Args:
            timeout: Seconds to wait for each at most; None to wait for ever.
            poll_interval: Seconds between looking.
            raise_timeout_error: Whether iteration that waited in vain raises TimeoutError rather than ending.
            exclude_keys: Inputs that are left out.
            key_prefix: How the inputs' keys begin; by the class's name by default.
            flow_run_id: The run whose inputs are taken; the current one by default.
        """
        return GetInputHandler(
            run_input_cls=cls,
            key_prefix=key_prefix or f"{cls.__name__.lower()}-auto",
            timeout=timeout,
            poll_interval=poll_interval,
            raise_timeout_error=raise_timeout_error,
            exclude_keys=exclude_keys,
            flow_run_id=flow_run_id,
        )

    @classmethod
    def subclass_from_base_model_type(cls, model_cls: Type[BaseModel]) -> Type["RunInput"]:
        """The input class with the fields of a pydantic model."""
        return type(f"{model_cls.__name__}RunInput", (cls, model_cls), {"__module__": model_cls.__module__})


def _name_of(kind: Any) -> str:
    """The name by which sender and receiver of a type find each other, on all versions of Python."""
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return "optional" if type(None) in get_args(kind) else "union"
    if origin is not None:
        return str(getattr(origin, "__name__", None) or getattr(origin, "_name", origin)).lower()
    return str(getattr(kind, "__name__", None) or str(kind).rpartition(".")[2])


class AutomaticRunInput(BaseRunInput, Generic[T]):
    """
    Carries one value of a type that is no model.

    Args:
        value: The value.
    """

    value: T

    @classmethod
    def _load_steps(cls, keyset: Keyset, flow_run_id: Optional[UUID] = None) -> Steps[Any]:
        return (yield from super()._load_steps(keyset, flow_run_id)).value

    @classmethod
    def subclass_from_type(cls, _type: Type[T]) -> Type["AutomaticRunInput[T]"]:
        """The input class that carries a value of a type."""
        made: Any = create_model(
            f"{_name_of(_type)}AutomaticRunInput", __base__=cls, __module__=cls.__module__, value=(_type, ...)
        )
        return cast("Type[AutomaticRunInput[T]]", made)

    @classmethod
    def receive(
        cls,
        timeout: Optional[float] = PATIENCE,
        poll_interval: float = POLL,
        raise_timeout_error: bool = False,
        exclude_keys: Optional[Set[str]] = None,
        key_prefix: Optional[str] = None,
        flow_run_id: Optional[UUID] = None,
        with_metadata: bool = False,
    ) -> "GetAutomaticInputHandler[T]":
        """
        Take values of this type as they come. See `RunInput.receive`.

        Args:
            timeout: Seconds to wait for each at most; None to wait for ever.
            poll_interval: Seconds between looking.
            raise_timeout_error: Whether iteration that waited in vain raises TimeoutError rather than ending.
            exclude_keys: Inputs that are left out.
            key_prefix: How the inputs' keys begin; by the type by default.
            flow_run_id: The run whose inputs are taken; the current one by default.
            with_metadata: Whether to give the inputs themselves, with `value` and `metadata`.
        """
        return GetAutomaticInputHandler(
            run_input_cls=cls,
            key_prefix=key_prefix or f"{cls.__name__.lower()}-auto",
            timeout=timeout,
            poll_interval=poll_interval,
            raise_timeout_error=raise_timeout_error,
            exclude_keys=exclude_keys,
            flow_run_id=flow_run_id,
            with_metadata=with_metadata,
        )


def run_input_subclass_from_type(
    _type: Union[Type[R], Type[T], BaseModel],
) -> Union[Type[AutomaticRunInput[T]], Type[R]]:
    """The input class for a type: itself, one with the fields of a model, or one that carries a value."""
    if isclass(_type) and not hasattr(_type, "__origin__"):
        if issubclass(_type, RunInput):
            return cast("Type[R]", _type)
        if issubclass(_type, BaseModel):
            return cast("Type[R]", RunInput.subclass_from_base_model_type(_type))
    return AutomaticRunInput.subclass_from_type(cast("Type[T]", _type))


def _send(
    run_input: Any, flow_run_id: UUID, sender: Optional[str] = None, key_prefix: Optional[str] = None
) -> Steps[None]:
    if isinstance(run_input, BaseRunInput):
        message: BaseModel = run_input
    else:
        kind: Any = run_input_subclass_from_type(type(run_input))
        message = kind(**dict(run_input)) if isinstance(run_input, BaseModel) else kind(value=run_input)
    prefix = key_prefix or f"{type(message).__name__.lower()}-auto"
    yield from create_flow_run_input_from_model.steps(f"{prefix}-{uuid4()}", message, flow_run_id, sender)


@dual
def send_input(
    run_input: Any, flow_run_id: UUID, sender: Optional[str] = None, key_prefix: Optional[str] = None
) -> Steps[None]:
    """
    Send an input to a flow run, which takes it with `receive_input`.

    Args:
        run_input: A RunInput, another pydantic model, or any value that JSON can hold.
        flow_run_id: The run.
        sender: Who sends it; the current flow run by default.
        key_prefix: How the receiver finds it; by its type by default.
    """
    yield from _send(run_input, flow_run_id, sender, key_prefix)


asend_input = asynchronous(send_input)


def receive_input(
    input_type: Union[Type[R], Type[T], BaseModel],
    timeout: Optional[float] = PATIENCE,
    poll_interval: float = POLL,
    raise_timeout_error: bool = False,
    exclude_keys: Optional[Set[str]] = None,
    key_prefix: Optional[str] = None,
    flow_run_id: Optional[UUID] = None,
    with_metadata: bool = False,
) -> Union[GetAutomaticInputHandler[T], GetInputHandler[R]]:
    """
    Take inputs of a type as they come: iterate over the answer, or call its `next`.

    Args:
        input_type: A RunInput class, another pydantic model, or any type that JSON can hold.
        timeout: Seconds to wait for each at most; None to wait for ever.
        poll_interval: Seconds between looking.
        raise_timeout_error: Whether iteration that waited in vain raises TimeoutError rather than ending.
        exclude_keys: Inputs that are left out.
        key_prefix: How the inputs' keys begin; by the type by default.
        flow_run_id: The run whose inputs are taken; the current one by default.
        with_metadata: For values: whether to give the inputs themselves, with `value` and `metadata`.
    """
    kind: Any = run_input_subclass_from_type(input_type)
    options: dict[str, Any] = {
        "timeout": timeout,
        "poll_interval": poll_interval,
        "raise_timeout_error": raise_timeout_error,
        "exclude_keys": exclude_keys,
        "key_prefix": key_prefix,
        "flow_run_id": flow_run_id,
    }
    if issubclass(kind, AutomaticRunInput):
        options["with_metadata"] = with_metadata
    return kind.receive(**options)  # type: ignore[no-any-return]
