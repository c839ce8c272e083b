"""
Secrets at rest: encrypted with a key that is not in the database.

The key is what the environment variable PREFECT_API_ENCRYPTION_KEY holds, or else a file in PREFECT_HOME that only its
owner can read and that is made when something is first encrypted.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from prefect.exceptions import ConfigurationError

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

__all__ = ["Vault"]

_ENVELOPE = "__encrypted__"


@dataclass(frozen=True, slots=True)
class Vault:
    """
    Encrypts and decrypts JSON values.

    Args:
        key_file: Where the key is, or will be made.
        key: The key itself, instead of the file: 32 bytes in URL-safe base 64.
    """

    key_file: Path
    key: str | None = None

    def seal(self, data: dict[str, Any]) -> dict[str, Any]:
        """What to store instead of secret data."""
        return {_ENVELOPE: self._cipher(make=True).encrypt(to_json(data)).decode()}

    def open(self, stored: dict[str, Any]) -> dict[str, Any]:
        """
        The data that was stored, decrypted if it was sealed.

        Raises:
            prefect.exceptions.ConfigurationError: The key is missing, or is not the one that the data was sealed with.
        """
        if not self.is_sealed(stored):
            return stored
        from cryptography.fernet import InvalidToken

        try:
            opened: dict[str, Any] = from_json(self._cipher(make=False).decrypt(stored[_ENVELOPE].encode()))
        except InvalidToken:
            message = (
                f"The encryption key in {self._place} is not the one that this database's blocks were encrypted with. "
                "Restore that key, or save the blocks again."
            )
            raise ConfigurationError(message) from None
        return opened

    @staticmethod
    def is_sealed(stored: dict[str, Any]) -> bool:
        """Whether data is encrypted."""
        return stored.keys() == {_ENVELOPE}

    def check(self) -> None:
        """
        Make sure that there can be a cipher.

        Raises:
            prefect.exceptions.ConfigurationError: What is given as a key is none.
        """
        self._cipher(make=False)

    @property
    def _place(self) -> str:
        return f"the file '{self.key_file}'" if self.key is None else "PREFECT_API_ENCRYPTION_KEY"

    def _cipher(self, *, make: bool) -> Fernet:
        from cryptography.fernet import Fernet

        key = self.key if self.key is not None else self._read_key(make=make)
        try:
            return Fernet(key)
        except ValueError:
            message = f"What is in {self._place} is no encryption key: it must be 32 bytes in URL-safe base 64."
            raise ConfigurationError(message) from None

    def _read_key(self, *, make: bool) -> str:
        if make and not self.key_file.exists():
            self._make_key()
        try:
            return self.key_file.read_text(encoding="ascii").strip()
        except OSError as error:
            message = f"Blocks are encrypted, and their key cannot be read from '{self.key_file}': {error.strerror}."
            raise ConfigurationError(message) from error

    def _make_key(self) -> None:
        """Make the file. Of several processes that do so at once, the first one's key counts for all."""
        from cryptography.fernet import Fernet

        self.key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.key_file.with_name(f"{self.key_file.name}.{os.getpid()}.new")
        descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(Fernet.generate_key())
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, self.key_file)  # appears complete or not at all, and never replaces another's
            except FileExistsError:
                return
        finally:
            draft.unlink()
