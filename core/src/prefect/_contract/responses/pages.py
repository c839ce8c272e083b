"""Pages of lists."""

from prefect._contract.base import PrefectBaseModel

__all__ = ["Page"]


class Page(PrefectBaseModel):
    """
    Some of the selected items.

    Args:
        count: How many items are selected in all.
        limit: How many fit on a page.
        pages: How many pages there are.
        page: Which page this is; the first is 1.
    """

    count: int
    limit: int
    pages: int
    page: int
