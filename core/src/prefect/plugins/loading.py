"""
Find, import and ask plugins, so that a broken one harms nobody but itself.

Five things are guarded for each plugin on its own: discovery, import, the API version, registration, and every call.
What goes wrong becomes a `PluginFailure`. Nothing happens before somebody asks for a name that the core does not have.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from prefect.hookspecs import PROJECT, HookSpec
from prefect.plugins import builtin
from prefect.plugins.families import FAMILIES, Family
from prefect.plugins.index import GROUP, LEGACY_GROUP, Entry, Index, PluginRecord, stamp_of
from prefect.plugins.types import Phase, PluginFailure, PluginInfo, RuntimeContext, Spec
from prefect.plugins.versions import DEFAULT_REQUIREMENT, PREFECT_PLUGIN_API_VERSION, admits

if TYPE_CHECKING:
    import pluggy

__all__ = ["BUILTIN", "PluginConfig", "PluginHost", "Provided", "builtin_specs", "call_with", "current_host"]

T = TypeVar("T")

BUILTIN = Entry("prefect", "prefect.plugins.builtin", "built-in", "prefect-core")
"""The entry that stands for the core itself."""

logger = logging.getLogger("prefect.plugins")


@dataclass(frozen=True, slots=True)
class PluginConfig:
    """
    Which plugins may do what: the PREFECT_PLUGINS_* settings.

    Args:
        enabled: Whether `setup_environment` and `set_database_connection_params` are called.
        allow: Only these plugins are used; None for all. Names of entry points or distributions.
        deny: These plugins are not used, nor these collections.
        strict: Whether a failure of a plugin is an error rather than a record of it.
        safe_mode: Whether plugins are listed only: none is imported, no hook of theirs is called. Collections of the
            legacy group have no hooks and stay available.
        setup_timeout_seconds: How long one plugin's `setup_environment` may take.
        cache_dir: The folder for what is known of plugins; None to keep nothing.
    """

    enabled: bool = False
    allow: frozenset[str] | None = None
    deny: frozenset[str] = frozenset()
    strict: bool = False
    safe_mode: bool = False
    setup_timeout_seconds: float = 20.0
    cache_dir: Path | None = None

    @classmethod
    def from_settings(cls) -> PluginConfig:
        """The configuration that the current settings ask for."""
        from prefect.settings import get_current_settings

        settings = get_current_settings()
        plugins = settings.plugins
        return cls(
            enabled=plugins.enabled,
            allow=frozenset(plugins.allow) if plugins.allow else None,
            deny=frozenset(plugins.deny or ()),
            strict=plugins.strict,
            safe_mode=plugins.safe_mode,
            setup_timeout_seconds=plugins.setup_timeout_seconds,
            cache_dir=Path(settings.home) / "plugins",
        )

    def refusal(self, entry: Entry) -> str | None:
        """Why a plugin is not used, None if it is."""
        names = {entry.name, entry.distribution}
        if names & self.deny:
            return "denied by PREFECT_PLUGINS_DENY"
        if entry.group != GROUP:
            return None
        if self.allow is not None and not names & self.allow:
            return "not in PREFECT_PLUGINS_ALLOW"
        return "off: PREFECT_PLUGINS_SAFE_MODE is on" if self.safe_mode else None


@dataclass(frozen=True, slots=True)
class Provided:
    """A record, and the plugin that it comes from."""

    spec: Spec
    entry: Entry


@dataclass(slots=True)
class _Guard:
    """The outcome of a guarded step."""

    failed: bool = False


class PluginHost:
    """
    The plugins of one configuration and import path.

    Args:
        config: Which plugins may do what.
        path: Where to look for distributions; `sys.path` when None.
    """

    def __init__(self, config: PluginConfig, path: Sequence[str] | None = None) -> None:
        self.config = config
        self.failures: list[PluginFailure] = []
        self._path = path
        self._lock = threading.RLock()
        self._modules: dict[str, Any] = {}
        self._records: dict[str, PluginRecord] = {}
        self._in_process: list[Entry] = []
        self._started: list[RuntimeContext] = []
        self._provided: dict[str, dict[str, list[Provided]]] = {}
        self._asked = False

    # What is installed

    @cached_property
    def index(self) -> Index:
        """What is installed, from disk if that is up to date."""
        path = sys.path if self._path is None else self._path
        unreadable: list[tuple[str, BaseException]] = []
        index = Index(self.config.cache_dir, path, lambda name, error: unreadable.append((name, error)))
        for name, error in unreadable:
            self.fail(Entry(name, "", distribution=name), "discover", error)
        return index

    def entries(self, group: str = GROUP) -> list[Entry]:
        """The plugins of a group that are installed and may be used, and those registered in this process."""
        with self._lock:
            discovered = self.index.entries
            found = [entry for entry in discovered if entry.group == group and self.config.refusal(entry) is None]
            return found + [entry for entry in self._in_process if entry.group == group]

    def record(self, entry: Entry) -> PluginRecord | None:
        """What a plugin provides, from disk or by loading it; None if that fails."""
        with self._lock:
            known = self._records.get(entry.key)
            if known is None and entry.distribution is not None:
                known = self.index.record(entry)
                if known is not None:
                    self._records[entry.key] = known
            if known is None and entry.key not in self._modules:
                self._load(entry)
                known = self._records.get(entry.key)
            return known

    def records(self) -> list[tuple[Entry, PluginRecord]]:
        """Every usable plugin with what it provides."""
        with self._lock:
            found = [(entry, record) for entry in self.entries() if (record := self.record(entry)) is not None]
            if not self._asked:
                self._asked = True
                self.index.save()
                self._announce()
            return found

    def provided(self, family: str) -> Mapping[str, list[Provided]]:
        """What plugins provide of a family, by name. More than one item for a name is a conflict."""
        with self._lock:
            if family not in self._provided:
                names: dict[str, list[Provided]] = {}
                for entry, record in self.records():
                    for spec in record.specs.get(family, ()):
                        for name in spec.provides():
                            names.setdefault(name, []).append(Provided(spec, entry))
                self._provided[family] = names
                self._report_taken(FAMILIES[family], names)
            return self._provided[family]

    def _report_taken(self, family: Family, names: Mapping[str, list[Provided]]) -> None:
        """Names of the core cannot be taken over."""
        for name in names.keys() & builtin_specs(family.key).keys():
            for provided in names[name]:
                taken = ValueError(f"the {family.noun} '{name}' belongs to the core and is not replaced.")
                self.fail(provided.entry, "register", taken)

    # Loading

    def _attempt(self, entry: Entry, phase: Phase, step: Callable[[], T], guard: _Guard | None = None) -> T | None:
        """Do something of a plugin's; a failure is recorded, and raised only in strict mode."""
        try:
            return step()
        except (Exception, SystemExit) as error:
            if guard is not None:
                guard.failed = True
            self.fail(entry, phase, error)
            return None

    def fail(self, entry: Entry, phase: Phase, error: BaseException) -> PluginFailure:
        """
        Record a failure of a plugin.

        Raises:
            PluginLoadError: In strict mode.
        """
        failure = PluginFailure(
            plugin=entry.name,
            distribution=entry.distribution,
            version=entry.version,
            phase=phase,
            error=f"{type(error).__name__}: {error}",
            traceback="".join(traceback.format_exception(type(error), error, error.__traceback__)),
        )
        if failure not in self.failures:
            self.failures.append(failure)
        if self.config.strict:
            from prefect.plugins.errors import PluginLoadError

            raise PluginLoadError(f"{failure} (PREFECT_PLUGINS_STRICT is on).") from error
        return failure

    def _announce(self) -> None:
        """Say once that plugins failed."""
        if self.failures:
            summary = "; ".join(str(failure) for failure in self.failures)
            logger.warning("Some plugins are not available: %s. See `prefect plugins`.", summary)

    def module(self, entry: Entry) -> Any:
        """The module of a plugin, imported and registered; None if that fails."""
        with self._lock:
            if entry.key not in self._modules:
                self._load(entry)
            return self._modules.get(entry.key)

    def _load(self, entry: Entry) -> None:
        self._modules[entry.key] = None  # it is tried once
        module = self._attempt(entry, "import", partial(import_module_of, entry))
        if module is not None:
            self._admit(entry, module)

    def _admit(self, entry: Entry, plugin: Any) -> None:
        """Take in what has been imported: check its API range, register it, ask it what it provides."""
        requirement = getattr(plugin, "PREFECT_PLUGIN_API_REQUIRES", DEFAULT_REQUIREMENT)
        guard = _Guard()
        self._attempt(entry, "version", lambda: self._fence(requirement), guard)
        if not guard.failed:
            self._attempt(entry, "register", lambda: self._register(entry, plugin), guard)
        if guard.failed:
            return
        hooks = tuple(sorted(name for name, _ in self._implementations_of(plugin)))
        info = self._info(entry, plugin, guard)
        if guard.failed:
            self._manager.unregister(plugin)
            return
        self._modules[entry.key] = plugin
        record = PluginRecord(
            hooks=hooks,
            specs=self._specs(entry, plugin),
            info=info,
            api_requires=info.api_requires if info else requirement,
            stamp=stamp_of(getattr(plugin, "__file__", None)),
        )
        self._records[entry.key] = record
        self._provided.clear()
        if entry.distribution is not None and not self._has_failed(entry):
            self.index.remember(entry, record)
        for context in self._started:
            self._call_one(entry, plugin, "prefect_startup", {"ctx": context})

    def _has_failed(self, entry: Entry) -> bool:
        return any(
            (failure.plugin, failure.distribution) == (entry.name, entry.distribution) for failure in self.failures
        )

    @staticmethod
    def _fence(requirement: str) -> None:
        if not admits(requirement):
            raise ValueError(
                f"it works with plugin API {requirement}, this version has {PREFECT_PLUGIN_API_VERSION}. "
                "Install a release of the plugin that supports it."
            )

    @cached_property
    def _manager(self) -> pluggy.PluginManager:
        import pluggy

        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(HookSpec)
        return manager

    def _register(self, entry: Entry, plugin: Any) -> None:
        for name, options in self._implementations_of(plugin):
            if options.get("wrapper") or options.get("hookwrapper"):
                raise TypeError(f"'{name}' is a wrapper; hooks are called one by one, so there is nothing to wrap.")
        self._manager.register(plugin, name=entry.key)
        for name, options in self._implementations_of(plugin):
            if not hasattr(HookSpec, name) and not options.get("optionalhook"):
                self._unknown_hook(entry, name)

    def _unknown_hook(self, entry: Entry, name: str) -> None:
        logger.warning(
            "Plugin '%s' (%s) implements the hook '%s', which this version does not have: it is never called. "
            "Mark it with optionalhook=True if that is intended.",
            entry.name,
            entry.owner,
            name,
        )

    @staticmethod
    def _implementations_of(plugin: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Names of the hooks that a plugin implements, with the marker's options."""
        for name in dir(plugin):
            options = getattr(inspect.getattr_static(plugin, name, None), f"{PROJECT}_impl", None)
            if isinstance(options, dict):
                yield options.get("specname") or name, options

    def _info(self, entry: Entry, plugin: Any, guard: _Guard) -> PluginInfo | None:
        info = next(iter(self._call_one(entry, plugin, "prefect_plugin_info", {})), None)
        if info is not None:
            self._attempt(entry, "version", lambda: self._fence(info.api_requires), guard)
        return info

    def _specs(self, entry: Entry, plugin: Any) -> dict[str, tuple[Spec, ...]]:
        specs: dict[str, tuple[Spec, ...]] = {}
        for key, family in FAMILIES.items():
            for answer in self._call_one(entry, plugin, family.hook, {}):
                checked = self._attempt(entry, "call", partial(family.checked, answer))
                if checked:
                    specs[key] = (*specs.get(key, ()), *checked)
        return specs

    def register(self, plugin: Any, name: str) -> None:
        """
        Register a plugin of this process: a module or an object with marked functions.

        Raises:
            ValueError: A plugin of this process has that name already.
        """
        entry = Entry(name, f"{type(plugin).__module__}:{type(plugin).__qualname__}")
        with self._lock:
            if entry in self._in_process or entry.key in self._modules:
                raise ValueError(f"A plugin named '{name}' is registered already.")
            self._in_process.append(entry)
            self._modules[entry.key] = None
            self._admit(entry, plugin)

    # Calling

    def _call_one(self, entry: Entry, plugin: Any, hook: str, arguments: Mapping[str, Any]) -> list[Any]:
        """Call a hook of one plugin, each implementation guarded, and return its answers but None."""
        caller = getattr(self._manager.hook, hook, None)
        functions = [impl.function for impl in caller.get_hookimpls() if impl.plugin is plugin] if caller else []
        answers = (self._attempt(entry, "call", partial(call_with, each, arguments)) for each in reversed(functions))
        return [answer for answer in answers if answer is not None]

    def implementations(self, hook: str) -> list[tuple[Entry, Callable[..., Any]]]:
        """
        Who implements a hook, in the order of asking: last registered first, the core last.

        Plugins that do not implement the hook are not imported.
        """
        with self._lock:
            owners: dict[int, Entry] = {}
            for entry, record in self.records():
                if hook in record.hooks and (plugin := self.module(entry)) is not None:
                    owners[id(plugin)] = entry
            found: list[tuple[Entry, Callable[..., Any]]] = []
            if owners:
                impls = reversed(getattr(self._manager.hook, hook).get_hookimpls())
                found += [(owners[id(each.plugin)], each.function) for each in impls if id(each.plugin) in owners]
            own = getattr(builtin, hook, None)
            return [*found, (BUILTIN, own)] if own is not None else found

    def call(self, hook: str, **arguments: Any) -> list[Any]:
        """Ask all implementations of a hook; a failing one loses its own answer only. None is no answer."""
        answers = (self._ask(entry, function, arguments) for entry, function in self.implementations(hook))
        return [answer for answer in answers if answer is not None]

    def call_first(self, hook: str, **arguments: Any) -> Any:
        """Ask the implementations of a hook until one answers something else than None."""
        for entry, function in self.implementations(hook):
            answer = self._ask(entry, function, arguments)
            if answer is not None:
                return answer
        return None

    def call_merged(self, hook: str, **arguments: Any) -> dict[str, Any]:
        """Ask all implementations of a hook that answers mappings, and merge: who is asked earlier wins."""
        merged: dict[str, Any] = {}
        for answer in reversed(self.call(hook, **arguments)):
            merged.update(answer)
        return merged

    def _ask(self, entry: Entry, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
        if entry is BUILTIN:  # an error of the core is not a plugin's failure
            return call_with(function, arguments)
        return self._attempt(entry, "call", lambda: call_with(function, arguments))

    def startup(self, context: RuntimeContext) -> None:
        """Tell plugins that a process has started, those too that are registered later."""
        with self._lock:
            self._started.append(context)
            loaded = {key for key, module in self._modules.items() if module is not None}
            for entry, function in self.implementations("prefect_startup"):
                if entry is BUILTIN or entry.key in loaded:  # the others were told when they were loaded just now
                    self._ask(entry, function, {"ctx": context})

    # Legacy collections

    def collection(self, entry: Entry, again: bool = False) -> Any:
        """Import a collection of the legacy group; None if that fails, or failed before and is not tried `again`."""
        with self._lock:
            if entry.key not in self._modules or (again and self._modules[entry.key] is None):
                self._modules[entry.key] = None
                self._modules[entry.key] = self._attempt(entry, "import", partial(import_module_of, entry))
            return self._modules[entry.key]

    def collections(self) -> list[Entry]:
        """The collections of the legacy group that may be used."""
        return self.entries(LEGACY_GROUP)

    def imported(self, entry: Entry) -> bool:
        """Whether a plugin or collection has been imported by this host."""
        return self._modules.get(entry.key) is not None


def import_module_of(entry: Entry) -> ModuleType:
    """Import the module that an entry point names."""
    return importlib.import_module(entry.value.partition(":")[0])


def call_with(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Call a function with those of the arguments that it takes."""
    parameters = inspect.signature(function).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return function(**arguments)
    return function(**{name: value for name, value in arguments.items() if name in parameters})


@cache
def builtin_specs(family: str) -> Mapping[str, Spec]:
    """What the core provides of a family, by name."""
    hook = getattr(builtin, FAMILIES[family].hook, None)
    specs = FAMILIES[family].checked(hook()) if hook is not None else ()
    return {name: spec for spec in specs for name in spec.provides()}


_hosts: list[PluginHost] = []
_hosts_lock = threading.Lock()


def current_host() -> PluginHost:
    """The host for the current settings. One is kept for as long as they stay the same."""
    config = PluginConfig.from_settings()
    with _hosts_lock:
        if not _hosts or _hosts[-1].config != config:
            _hosts[:] = [PluginHost(config)]
        return _hosts[-1]
