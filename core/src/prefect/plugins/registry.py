"""Ask for something by name. Only what is asked for is imported, and the core is asked before any plugin."""

from __future__ import annotations

import difflib
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from prefect.plugins.families import FAMILIES
from prefect.plugins.loading import PluginHost, Provided, builtin_specs, current_host
from prefect.plugins.targets import import_target
from prefect.utilities.dispatch import get_registry_for_type

if TYPE_CHECKING:
    from prefect.plugins.types import Spec

__all__ = ["Registry"]

T = TypeVar("T")


def _subclasses(module_name: str, name: str) -> Mapping[str, Any]:
    """The subclasses of a class that are registered for dispatch, by key; none before its module is imported."""
    base = getattr(sys.modules.get(module_name), name, None)
    return (get_registry_for_type(base) if base is not None else None) or {}


class Registry(Generic[T]):
    """
    What can be asked for of one family.

    Args:
        family: The family's key, such as `"serializers"`.
        host: Gives the host of the plugins; the one for the current settings by default.
        base: The import string of a class whose subclasses are in the family as soon as they are defined. Nothing is
            imported for it: as long as its module is not, there are no subclasses.
    """

    def __init__(self, family: str, host: Callable[[], PluginHost] = current_host, base: str | None = None) -> None:
        self.family = FAMILIES[family]
        self._host = host
        self._objects: dict[str, T] = {}
        self._sources: list[Callable[[], Mapping[str, T]]] = []
        if base is not None:
            self._sources.append(partial(_subclasses, *base.split(":")))
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        """The family's name."""
        return f"<Registry of {self.family.key}>"

    def get(self, name: str) -> T:
        """
        What is provided under a name.

        Raises:
            UnknownNameError: Nothing is. The message lists what is installed and what to install.
            PluginLoadError: A plugin provides it, but it cannot be imported.
            PluginConflictError: Several plugins provide it.
        """
        found = self._defined(name)
        if found is not None:
            return found
        spec = builtin_specs(self.family.key).get(name)
        if spec is not None:
            return self._keep(name, cast("T", import_target(spec.target)))
        provided = self._provided(name)
        if provided is not None:
            return self._keep(name, self._resolve(name, provided))
        found = self._from_collections(name)
        if found is not None:
            return found
        raise self._unknown(name)

    def names(self) -> list[str]:
        """The names that can be asked for. Nothing is imported for it, so what collections define is not listed."""
        names: dict[str, None] = dict.fromkeys(builtin_specs(self.family.key))
        for source in self._sources:
            names.update(dict.fromkeys(source()))
        names.update(dict.fromkeys(self._objects))
        names.update(dict.fromkeys(sorted(self._host().provided(self.family.key))))
        return list(names)

    def spec(self, name: str) -> Spec:
        """
        The record under a name.

        Raises:
            UnknownNameError: There is none. What was registered in this process has no record.
            PluginConflictError: Several plugins provide it.
        """
        spec = builtin_specs(self.family.key).get(name)
        if spec is not None:
            return spec
        provided = self._provided(name)
        if provided is None:
            raise self._unknown(name)
        return provided.spec

    def register(self, name: str, obj: T) -> None:
        """
        Provide something under a name in this process.

        Raises:
            ValueError: The name belongs to the core or is registered already.
        """
        with self._lock:
            if name in self._objects or name in builtin_specs(self.family.key):
                raise ValueError(
                    f"The {self.family.noun} '{name}' is registered already; unregister it or rename yours."
                )
            self._objects[name] = obj

    def unregister(self, name: str) -> None:
        """
        Take back what was registered in this process.

        Raises:
            KeyError: Nothing was, under that name.
        """
        with self._lock:
            del self._objects[name]

    def add_source(self, source: Callable[[], Mapping[str, T]]) -> None:
        """Consult a mapping that others fill, such as the subclasses of a base class, before everything else."""
        self._sources.append(source)

    def _defined(self, name: str) -> T | None:
        for source in self._sources:
            found = source().get(name)
            if found is not None:
                return found
        return self._objects.get(name)

    def _keep(self, name: str, found: T) -> T:
        if name in builtin_specs(self.family.key):
            self._objects[name] = found
        return found

    def _provided(self, name: str) -> Provided | None:
        candidates = self._host().provided(self.family.key).get(name, [])
        if len({(each.entry.distribution, each.spec.target) for each in candidates}) > 1:
            from prefect.plugins.errors import PluginConflictError

            owners = " and ".join(each.entry.owner for each in candidates)
            names = ", ".join(sorted({each.entry.name for each in candidates}))
            raise PluginConflictError(
                f"The {self.family.noun} '{name}' is provided by {owners}. Uninstall one of them, or name the unwanted "
                f"plugin in PREFECT_PLUGINS_DENY (plugins: {names})."
            )
        return candidates[0] if candidates else None

    def _resolve(self, name: str, provided: Provided) -> T:
        try:
            return cast("T", import_target(provided.spec.target))
        except (Exception, SystemExit) as error:
            self._host().fail(provided.entry, "call", error)
            from prefect.plugins.errors import PluginLoadError

            hint = getattr(provided.spec, "install_hint", None)
            raise PluginLoadError(
                f"The {self.family.noun} '{name}' is provided by {provided.entry.owner}, but its target "
                f"'{provided.spec.target}' cannot be imported: {type(error).__name__}: {error}"
                + (f" {hint}" if hint else "")
            ) from error

    def _from_collections(self, name: str) -> T | None:
        """Import legacy collections, the likely one first, until one of them defines the name."""
        from prefect.plugins.known import distribution_for

        host = self._host()
        likely = distribution_for(self.family.key, name)
        for entry in sorted(host.collections(), key=lambda entry: entry.distribution != likely):
            if not host.imported(entry) and host.collection(entry) is not None:
                found = self._defined(name)
                if found is not None:
                    return found
        return None

    def _unknown(self, name: str) -> Exception:
        from prefect.plugins.errors import UnknownNameError
        from prefect.plugins.known import distribution_for

        names = self.names()
        message = f"No {self.family.noun} '{name}' is registered. Installed: {', '.join(names) or 'none'}."
        similar = difflib.get_close_matches(name, names, n=1)
        if similar:
            message += f" Did you mean '{similar[0]}'?"
        distribution = distribution_for(self.family.key, name)
        failures = self._host().failures
        if distribution is not None and not any(failure.distribution == distribution for failure in failures):
            message += f" It is part of {distribution}: pip install {distribution}"
        if failures:
            message += " Not available: " + "; ".join(str(failure) for failure in failures) + "."
        return UnknownNameError(message)
