from __future__ import annotations

import os.path
import subprocess
import sys
import textwrap

import pytest

from prefect.exceptions import ScriptError
from prefect.utilities.importtools import (
    AliasedModuleDefinition,
    AliasedModuleFinder,
    DelayedImportErrorModule,
    from_qualified_name,
    import_object,
    lazy_import,
    load_module,
    load_script_as_module,
    safe_load_namespace,
    to_qualified_name,
)


@pytest.fixture(autouse=True)
def imports_are_put_back():
    path, modules = sys.path[:], set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if not name.startswith("prefect"):
            del sys.modules[name]


class Outer:
    class Inner:
        def method(self): ...


def test_qualified_names():
    assert to_qualified_name(Outer.Inner) == f"{__name__}.Outer.Inner"
    assert from_qualified_name("os.path.join") is os.path.join
    assert from_qualified_name("os.path") is os.path
    assert from_qualified_name("collections.OrderedDict.fromkeys")("a") == {"a": None}
    assert from_qualified_name(to_qualified_name(subprocess.Popen)) is subprocess.Popen
    with pytest.raises(AttributeError, match="nope"):
        from_qualified_name("os.nope")
    with pytest.raises(ModuleNotFoundError, match="nope"):
        from_qualified_name("nope.x")


def test_an_import_that_fails_inside_of_a_module_is_not_hidden(tmp_path, monkeypatch):
    (tmp_path / "needs_something.py").write_text("import something_missing\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="something_missing"):
        from_qualified_name("needs_something.x")


def test_a_script_is_run_as_a_module_each_time(tmp_path):
    script = tmp_path / "my_script.py"
    script.write_text(
        "import helper_of_script\nX = helper_of_script.Y\nif __name__ == '__main__':\n    raise SystemExit\n"
        "def late():\n    import late_helper\n    return late_helper.Z\n"
    )
    (tmp_path / "helper_of_script.py").write_text("Y = 5\n")
    (tmp_path / "late_helper.py").write_text("Z = 6\n")
    module = load_script_as_module(str(script))
    assert module.X == 5
    assert module.late() == 6
    assert module.__name__ == "my_script"
    assert sys.modules["my_script"] is module
    script.write_text("X = 7 + 0\n")
    os.utime(script, (0, 0))
    assert load_script_as_module(str(script)).X == 7


def test_a_script_named_like_a_module_does_not_take_its_place(tmp_path):
    script = tmp_path / "json.py"
    script.write_text("X = 1\nclass C: ...\n")
    module = load_script_as_module(str(script))
    assert module.X == 1
    assert module.__name__ != "json"
    assert sys.modules[module.C.__module__] is module
    import json

    assert json.loads("1") == 1


@pytest.mark.parametrize(
    ("source", "error"), [("1/0", ZeroDivisionError), ("def (", SyntaxError), (None, FileNotFoundError)]
)
def test_a_script_that_fails(source, error, tmp_path):
    script = tmp_path / "broken_script.py"
    if source is not None:
        script.write_text(source)
    with pytest.raises(ScriptError, match="broken_script.py") as caught:
        load_script_as_module(str(script))
    assert isinstance(caught.value.user_exc, error)
    assert "broken_script" not in sys.modules


def test_objects_are_imported_from_files_and_modules(tmp_path, monkeypatch):
    (tmp_path / "some_script.py").write_text("class A:\n    x = 5\n")
    assert import_object(f"{tmp_path}/some_script.py:A.x") == 5
    assert import_object("os.path.join") is import_object("os.path:join") is os.path.join
    with pytest.raises(AttributeError):
        import_object(f"{tmp_path}/some_script.py:B")
    with pytest.raises(ValueError, match="Received 'json'"):
        import_object("json")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beside.py").write_text("Q = 1\n")
    assert load_module("beside").Q == 1
    with pytest.raises(ModuleNotFoundError):
        load_module("not_there_at_all")


def test_lazy_imports():
    sys.modules.pop("colorsys", None)
    module = lazy_import("colorsys")
    assert type(module).__name__ == "_LazyModule"
    assert module.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)
    assert lazy_import("json") is sys.modules["json"]


def test_a_lazy_import_of_what_is_missing_raises_when_it_is_used():
    module = lazy_import("not_there_at_all", help_message="Install it.")
    assert isinstance(module, DelayedImportErrorModule)
    with pytest.raises(ModuleNotFoundError, match="No module named 'not_there_at_all'.\nInstall it."):
        module.anything
    with pytest.raises(ModuleNotFoundError):
        lazy_import("not.there.at.all", error_on_import=True)
    assert not hasattr(module, "__wrapped__")


def test_modules_under_other_names():
    called = []
    finder = AliasedModuleFinder([AliasedModuleDefinition("old_name_of_xml", "xml", called.append)])
    sys.meta_path.insert(0, finder)
    try:
        import xml.dom.minidom

        import old_name_of_xml
        import old_name_of_xml.dom.minidom as minidom

        assert old_name_of_xml is sys.modules["xml"]
        assert minidom is xml.dom.minidom
        assert called[0] == "old_name_of_xml"
    finally:
        sys.meta_path.remove(finder)


def test_a_namespace_without_what_fails(tmp_path, capsys):
    source = textwrap.dedent("""
        import os, missing_one
        from missing_two import z
        A = 1
        B = missing_one.q
        print("not executed")
        def f(x: "int" = A):
            return A
        class C:
            y = A
        if A:
            D = 2
        if __name__ == "__main__":
            E = 3
        from beside_it import F
        raise ValueError
        G = 4
    """)
    (tmp_path / "beside_it.py").write_text("F = 9\n")
    path = sys.path[:]
    namespace = safe_load_namespace(source, filepath=str(tmp_path / "x.py"))
    assert {name for name in namespace if not name.startswith("__")} == {"os", "A", "f", "C", "D", "F", "G"}
    assert namespace["f"]() == 1
    assert namespace["__file__"] == str(tmp_path / "x.py")
    assert sys.path == path
    assert capsys.readouterr().out == ""
