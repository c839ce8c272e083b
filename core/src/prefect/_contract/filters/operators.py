"""How the parts of a filter are combined."""

from prefect.utilities.collections import AutoEnum

__all__ = ["Operator", "OperatorMixin"]


class Operator(AutoEnum):
    """Whether all parts of a filter must hold, or any of them."""

    and_ = "and_"
    or_ = "or_"


class OperatorMixin:
    """For filters whose parts can be combined in two ways."""

    operator: Operator = Operator.and_
