"""Notifiers."""

from pathlib import Path

from prefect.blocks.abstract import NotificationError


class {{ cookiecutter.__class }}Notifier:
    """
    Appends notifications to a file. Replace it by what reaches people.

    Args:
        address: What follows `{{ cookiecutter.__plugin }}:` where a target is named.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def notify(self, body: str, subject: str | None = None) -> None:
        """
        Deliver a text.

        Raises:
            NotificationError: It cannot be delivered.
        """
        try:
            with Path(self.address).open("a", encoding="utf-8") as file:
                file.write(f"{subject or ''}\n{body}\n")
        except OSError as error:
            raise NotificationError(str(error)) from error
