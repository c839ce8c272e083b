import importlib
import subprocess
import sys
import textwrap

import pytest

import prefect
from prefect.utilities.lazy import declared_exports, install, submodule


def test_names_are_imported_when_they_are_first_used():
    code = """
        import sys
        from prefect.utilities.lazy import install
        all_names = install(globals(), {"Fraction": "fractions", "Frac": "fractions:Fraction"})
        assert all_names == ["Fraction", "Frac"]
        assert "fractions" not in sys.modules
        assert "Fraction" in __dir__() and "sys" in __dir__()
        module = sys.modules[__name__]
        assert module.Fraction(1, 2) == 0.5
        assert "fractions" in sys.modules
        assert module.Frac is module.Fraction
        assert globals()["Fraction"] is module.Fraction
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_unknown_names_are_attribute_errors():
    namespace = {"__name__": "package"}
    install(namespace, {"a": "package.a"})
    with pytest.raises(AttributeError, match="module 'package' has no attribute 'b'"):
        namespace["__getattr__"]("b")


def test_a_submodule_can_be_exported():
    namespace = {"__name__": "xml"}
    install(namespace, {"dom": "xml.dom"})
    assert namespace["__getattr__"]("dom").__name__ == "xml.dom"


def test_declared_exports_are_read_from_the_type_checking_block(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(
        "from typing import TYPE_CHECKING\n"
        "import os\n"
        "if TYPE_CHECKING:\n"
        "    from a.b import C, d as e\n"
        "    import f\n"
        "    from g import H as H\n"
        "from z import not_this\n"
    )
    assert declared_exports(path) == {"C": "a.b", "e": "a.b:d", "H": "g"}


def test_submodules_are_attributes_after_the_package_alone_is_imported():
    code = """
        import sys
        import prefect
        assert "prefect.concurrency" not in sys.modules
        for path in (
            "concurrency", "engine", "variables", "states", "blocks.notifications", "blocks.webhook", "client.schemas.objects",
            "events.schemas.events", "logging.handlers", "runner.storage", "runtime.flow_run", "server.api", "settings.profiles",
            "testing.utilities", "utilities.asyncutils", "workers.process", "flows", "tasks",
        ):
            value = prefect
            for name in path.split("."):
                value = getattr(value, name)
            assert value is sys.modules[f"prefect.{path}"], path
        assert {"concurrency", "engine"} <= set(prefect.__all__) and {"notifications", "webhook"} <= set(prefect.blocks.__all__)
        assert not hasattr(prefect, "nonsense") and not hasattr(prefect.settings, "nonsense")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_private_submodules_are_no_attributes():
    assert submodule("prefect", "_internal_nonsense") is None
    assert submodule("xml", "dom").__name__ == "xml.dom"
    assert submodule("xml", "nonsense") is None
    with pytest.raises(AttributeError, match="'prefect' has no attribute '__wrapped__'"):
        prefect.__wrapped__


def test_a_submodule_that_cannot_be_imported_says_what_is_missing(tmp_path, monkeypatch):
    package = tmp_path / "incomplete_package"
    package.mkdir()
    (package / "__init__.py").write_text("from prefect.utilities.lazy import install\ninstall(globals(), {})\n")
    (package / "part.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("incomplete_package")
    with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
        module.part
    del sys.modules["incomplete_package"]
