"""All settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, Union

from pydantic import AfterValidator, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config, expanded, later, later_field
from prefect.settings.constants import DEFAULT_PREFECT_HOME
from prefect.settings.legacy import Setting, find_setting
from prefect.settings.models._home import in_home
from prefect.settings.models.api import APISettings
from prefect.settings.models.cli import CLISettings
from prefect.settings.models.client import ClientSettings
from prefect.settings.models.flows import FlowsSettings
from prefect.settings.models.internal import InternalSettings
from prefect.settings.models.logging import LoggingSettings
from prefect.settings.models.plugins import PluginsSettings
from prefect.settings.models.results import ResultsSettings
from prefect.settings.models.server import ServerSettings
from prefect.settings.models.server.database import default_connection_url
from prefect.settings.models.tasks import TasksSettings
from prefect.settings.models.testing import TestingSettings
from prefect.settings.sources import Sources, reading

if TYPE_CHECKING:
    from prefect.settings.models.deployments import DeploymentsSettings
    from prefect.settings.models.events import EventsSettings
    from prefect.settings.models.runner import RunnerSettings
    from prefect.settings.models.worker import WorkerSettings
else:
    DeploymentsSettings = later(
        "prefect.settings.models.deployments:DeploymentsSettings", "PREFECT_DEPLOYMENTS_", "PREFECT_DEFAULT_"
    )
    EventsSettings = later("prefect.settings.models.events:EventsSettings", "PREFECT_EVENTS_")
    RunnerSettings = later("prefect.settings.models.runner:RunnerSettings", "PREFECT_RUNNER_")
    WorkerSettings = later("prefect.settings.models.worker:WorkerSettings", "PREFECT_WORKER_")

__all__ = ["SettingKey", "Settings", "canonical_environment_prefix"]

SettingKey = Union[Setting, str]
"""A setting, or its accessor (`results.persist_by_default`), or its variable (`PREFECT_RESULTS_PERSIST_BY_DEFAULT`)."""


class Settings(PrefectBaseSettings):
    """All settings: `settings.results.persist_by_default`. A group is a field whose type is a model of its own."""

    model_config = build_settings_config(())

    home: Annotated[Path, AfterValidator(expanded)] = Field(
        default_factory=lambda: DEFAULT_PREFECT_HOME.expanduser(),  # noqa: PLW0108 - pydantic is slow to see what a method takes
        description="The directory for everything that is kept: profiles, the database, results.",
    )
    profiles_path: Annotated[Path, AfterValidator(expanded)] = Field(
        default_factory=lambda: in_home("profiles.toml"), description="The file of the profiles."
    )
    debug_mode: bool = Field(
        default=False, description="Whether the product tells more about itself: the log levels are DEBUG."
    )

    ui_url: Optional[str] = Field(
        default=None,
        description="The URL of the server's pages, for links to runs. Unset: it follows from PREFECT_API_URL.",
    )
    silence_api_url_misconfiguration: bool = Field(
        default=False,
        description="Whether there is no warning when PREFECT_API_URL seems to be that of another service.",
    )

    api: APISettings = Field(default_factory=APISettings, description="How to reach a server.")
    cli: CLISettings = Field(default_factory=CLISettings, description="How the command line looks.")
    client: ClientSettings = Field(default_factory=ClientSettings, description="How the client behaves.")
    deployments: DeploymentsSettings = later_field("Defaults of deployments.")
    events: EventsSettings = later_field("How events are sent to a server.")
    flows: FlowsSettings = Field(default_factory=FlowsSettings, description="Defaults of flows.")
    internal: InternalSettings = Field(default_factory=InternalSettings, description="The product's own working.")
    logging: LoggingSettings = Field(default_factory=LoggingSettings, description="What is logged, and where to.")
    plugins: PluginsSettings = Field(default_factory=PluginsSettings, description="Which plugins are used.")
    results: ResultsSettings = Field(default_factory=ResultsSettings, description="How results are stored.")
    runner: RunnerSettings = later_field("How flow runs are executed on this machine.")
    server: ServerSettings = Field(default_factory=ServerSettings, description="The orchestrator itself.")
    tasks: TasksSettings = Field(default_factory=TasksSettings, description="Defaults of tasks.")
    testing: TestingSettings = Field(default_factory=TestingSettings, description="What is different in tests.")
    worker: WorkerSettings = later_field("How workers look for flow runs.")

    def model_post_init(self, context: Any, /) -> None:
        """Give the settings that depend on others the values that follow from them, unless they were set themselves."""
        _derive(self, "profiles_path", self.home / "profiles.toml")
        _derive(self.results, "local_storage_path", self.home / "storage")
        _derive(self.logging, "config_path", self.home / "logging.yml")
        if self.debug_mode:
            _derive(self.logging, "level", "DEBUG")
            _derive(self.internal, "logging_level", "DEBUG")
        _derive(self, "ui_url", self.api.url.rstrip("/").removesuffix("/api") if self.api.url else None)
        _derive(self.server, "memo_store_path", self.home / "memo_store.toml")
        self.server.when_loaded("ui", self._derive_from_api)
        database = self.server.database
        if "connection_url" not in database.model_fields_set:
            _derive(database, "connection_url", default_connection_url(database, str(self.home / "prefect.db")))

    def _derive_from_api(self) -> None:
        _derive(self.server.ui, "api_url", self.api.url or f"http://{self.server.api.host}:{self.server.api.port}/api")

    def copy_with_update(
        self,
        updates: Optional[Mapping[SettingKey, Any]] = None,
        set_defaults: Optional[Mapping[SettingKey, Any]] = None,
        restore_defaults: Optional[Iterable[SettingKey]] = None,
    ) -> Settings:
        """
        The same settings but for some.

        Args:
            updates: New values.
            set_defaults: Values for those that have none but their default.
            restore_defaults: Those to get their default back, whatever the sources say.

        Raises:
            ConfigurationError: There is no such setting, or it does not accept its value.
        """
        values = _explicit(self)
        for key in restore_defaults or ():
            _remove(values, _accessor(key))
        for key, value in (set_defaults or {}).items():
            _put(values, _accessor(key), value, keep=True)
        for key, value in (updates or {}).items():
            _put(values, _accessor(key), value)
        with reading(Sources()):  # what the sources say is in the values already
            return Settings(**values)

    def hash_key(self) -> str:
        """A key that is the same for the same settings."""
        from prefect.utilities.hashing import stable_hash

        variables = self.to_environment_variables(exclude_unset=True)
        return stable_hash(*(f"{name}={variables[name]}\n" for name in sorted(variables)))


def _explicit(group: PrefectBaseSettings) -> dict[str, Any]:
    """What has a value that is not just the default, as nested dicts."""
    values = {}
    for name, value in group.__dict__.items():  # groups that nobody needed yet have defaults only
        if isinstance(value, PrefectBaseSettings):
            values[name] = _explicit(value)
        elif name in group.model_fields_set:
            values[name] = value
    return values


def _derive(group: PrefectBaseSettings, name: str, value: Any) -> None:
    if name not in group.model_fields_set:
        group.__dict__[name] = value  # an assignment would count it among those that were set


def _accessor(key: SettingKey) -> list[str]:
    return find_setting(key).accessor.split(".")


def _put(values: dict[str, Any], path: list[str], value: Any, keep: bool = False) -> None:
    for group in path[:-1]:
        values = values.setdefault(group, {})
    if not (keep and path[-1] in values):
        values[path[-1]] = value


def _remove(values: dict[str, Any], path: list[str]) -> None:
    for group in path[:-1]:
        values = values.get(group, {})
    values.pop(path[-1], None)


def canonical_environment_prefix(settings: Settings) -> str:
    """What the environment variables of all settings begin with."""
    return "PREFECT_"
