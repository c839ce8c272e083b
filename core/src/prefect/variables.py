"""Variables: small values that are kept under a name, to be read by flows."""

from typing import TYPE_CHECKING, Any, Union

from pydantic import BaseModel, ConfigDict, Field

from prefect.types import MAX_VARIABLE_NAME_LENGTH
from prefect.utilities.dual import Steps
from prefect.utilities.dual_methods import ClassDual, class_asynchronous, class_dual

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Variable"]

Value = Union[str, int, bool, float, None, dict[str, Any], list[Any]]


class Variable(BaseModel):
    """
    A named value: text, a number, a boolean, nothing, or a list or mapping of these.

        Variable.set("batch-size", 50, overwrite=True)
        Variable.get("batch-size", default=10)

    Args:
        name: Lower-case letters, digits, dashes and underscores.
        value: The value.
        tags: Words to find it by.
    """

    model_config = ConfigDict(defer_build=True, ignored_types=(ClassDual,))

    name: str = Field(max_length=MAX_VARIABLE_NAME_LENGTH)
    value: Value
    tags: list[str] | None = None

    @classmethod
    def _set_steps(
        cls, name: str, value: Value, tags: list[str] | None = None, overwrite: bool = False
    ) -> Steps["Self"]:
        """
        Keep a value under a name.

        Args:
            name: Lower-case letters, digits, dashes and underscores.
            value: The value.
            tags: Words to find it by.
            overwrite: Whether to replace what is kept under this name.

        Raises:
            ValueError: Something is kept under this name already, or name or value cannot be used.
        """
        from prefect._contract.actions.settings import VariableCreate, VariableUpdate
        from prefect._contract.endpoints import variables
        from prefect.client.base import ask
        from prefect.exceptions import ObjectAlreadyExists

        try:
            yield from ask(variables.create_variable(VariableCreate(name=name, value=value, tags=tags or [])))
        except ObjectAlreadyExists as error:
            if not overwrite:
                raise ValueError(
                    f"The variable '{name}' exists already. Set it with overwrite=True to replace it."
                ) from error
            change = VariableUpdate(value=value, tags=tags or [])
            yield from ask(variables.update_variable_by_name(name, change))
        return cls(name=name, value=value, tags=tags or [])

    @classmethod
    def _get_steps(cls, name: str, default: Value = None) -> Steps[Value]:
        """
        The value that is kept under a name.

        Args:
            name: The name.
            default: What to return if nothing is.
        """
        from prefect._contract.endpoints import variables
        from prefect.client.base import ask
        from prefect.exceptions import ObjectNotFound

        try:
            return (yield from ask(variables.read_variable_by_name(name))).value
        except ObjectNotFound:
            return default

    @classmethod
    def _unset_steps(cls, name: str) -> Steps[bool]:
        """
        Forget what is kept under a name.

        Returns:
            Whether there was something.
        """
        from prefect._contract.endpoints import variables
        from prefect.client.base import ask
        from prefect.exceptions import ObjectNotFound

        try:
            yield from ask(variables.delete_variable_by_name(name))
        except ObjectNotFound:
            return False
        return True

    if TYPE_CHECKING:

        @classmethod
        def set(cls, name: str, value: Value, tags: list[str] | None = None, overwrite: bool = False) -> Self: ...
        @classmethod
        async def aset(
            cls, name: str, value: Value, tags: list[str] | None = None, overwrite: bool = False
        ) -> Self: ...
        @classmethod
        def get(cls, name: str, default: Value = None) -> Any: ...
        @classmethod
        async def aget(cls, name: str, default: Value = None) -> Any: ...
        @classmethod
        def unset(cls, name: str) -> bool: ...
        @classmethod
        async def aunset(cls, name: str) -> bool: ...

    else:
        set = class_dual(_set_steps.__func__)
        aset = class_asynchronous(set)  # noqa: A003
        get = class_dual(_get_steps.__func__)
        aget = class_asynchronous(get)
        unset = class_dual(_unset_steps.__func__)
        aunset = class_asynchronous(unset)
