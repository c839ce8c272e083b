"""Steps: what they are given, what they hand on, and how they fail."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from prefect.blocks.system import Secret
from prefect.deployments.steps.core import StepExecutionError, run_step, run_steps
from prefect.exceptions import ObjectNotFound
from prefect.filesystems import LocalFileSystem
from prefect.runner.storage import BlockStorageAdapter, RemoteStorage
from prefect.utilities.templating import resolve_block_document_references, resolve_variables
from prefect.variables import Variable

pytestmark = pytest.mark.usefixtures("home")

SHELL = "prefect.deployments.steps.run_shell_script"
GO = "prefect.deployments.steps.set_working_directory"


def run(step: dict[str, Any], outputs: dict[str, Any] | None = None) -> Any:
    return asyncio.run(run_step(step, outputs))


def shell(script: str, **inputs: Any) -> dict[str, Any]:
    return {SHELL: {"script": script, "stream_output": False, **inputs}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_inputs_are_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    Variable.set("place", {"names": ["a", "b"]})
    Secret(value="tok").save("token")
    monkeypatch.setenv("COLOUR", "red")
    script = "echo {{ up.x }} {{ $COLOUR }} {{ prefect.variables.place.names[1] }} {{ prefect.blocks.secret.token }}"
    assert run(shell(script), {"up": {"x": 1}}) == {"stdout": "1 red b tok", "stderr": ""}


def test_a_placeholder_alone_becomes_the_value() -> None:
    Variable.set("place", {"names": ["a", "b"]})
    LocalFileSystem(basepath="/srv").save("files")
    assert asyncio.run(resolve_variables({"x": "{{ prefect.variables.place }}"})) == {"x": {"names": ["a", "b"]}}
    assert asyncio.run(resolve_variables(["{{ prefect.variables.missing }}"])) == [""]
    found = asyncio.run(resolve_block_document_references("{{ prefect.blocks.local-file-system.files }}"))
    assert found["basepath"] == "/srv"
    path = "{{ prefect.blocks.local-file-system.files.basepath }}"
    assert asyncio.run(resolve_block_document_references([path])) == ["/srv"]
    seen = asyncio.run(resolve_block_document_references(path, value_transformer=lambda name, value: (name, value)))
    assert seen == ("prefect.blocks.local-file-system.files.basepath", "/srv")


@pytest.mark.parametrize(
    ("template", "error", "words"),
    [
        ("{{ prefect.blocks.secret.missing }}", ObjectNotFound, "no block of type 'secret' named 'missing'"),
        ("{{ prefect.blocks.secret }}", ValueError, "Invalid placeholder"),
        ("a {{ prefect.blocks.local-file-system.files }}", ValueError, "several values"),
        ("{{ prefect.blocks.local-file-system.files.colour }}", ValueError, "has no 'colour'"),
    ],
)
def test_references_to_nothing(template: str, error: type[Exception], words: str) -> None:
    LocalFileSystem(basepath="/srv").save("files")
    with pytest.raises(error, match=words):
        asyncio.run(resolve_block_document_references({"x": template}))


def test_outputs_are_handed_on() -> None:
    said: list[str] = []
    steps = [shell("echo one", id="first"), shell("echo {{ first.stdout }} {{ stdout }}", id="second"), {}]
    outputs = asyncio.run(run_steps(steps, {"given": 1}, print_function=said.append))
    assert outputs["first"] == {"stdout": "one", "stderr": ""}
    assert outputs["stdout"] == outputs["second"]["stdout"] == "one one"
    assert outputs["given"] == 1
    assert said == [" > Running run_shell_script step..."] * 2


@pytest.mark.parametrize(
    ("step", "error", "words"),
    [
        ({"a": {}, "b": {}}, ValueError, "unexpected additional keys: b"),
        ({"a.b": "text"}, ValueError, "Give them by name"),
        ({"nonsense": {}}, ImportError, "There is no step 'nonsense'"),
        ({"prefect.deployments.steps.nothing": {}}, ImportError, "has no function 'nothing'"),
        ({"no_such_module_at_all.step": {}}, ImportError, "no_such_module_at_all"),
        ({GO: {"directory": "{{ nothing }}"}}, TypeError, "missing a required argument: 'directory'"),
        ({GO: {"directory": "/", "colour": "red"}}, TypeError, "It has: directory, colour"),
        ({GO: {"directory": "/no/such/folder"}}, FileNotFoundError, "/no/such/folder"),
        ({"no_such_module_at_all.step": {"requires": "--index-url=x"}}, ValueError, "Give names of packages"),
        (shell("false"), RuntimeError, "failed with error code 1"),
        (shell("no-such-program-at-all"), FileNotFoundError, "no-such-program-at-all"),
    ],
)
def test_steps_that_cannot_be_run(step: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        run(step)


def test_whose_step_failed_is_said() -> None:
    with pytest.raises(StepExecutionError, match=r"run_shell_script: `run_shell_script` failed with error code 1"):
        asyncio.run(run_steps([shell("false")], print_function=str))


def test_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shell("echo a\n\necho b && echo c"))["stdout"] == "b && echo c"
    assert run(shell("echo a | tr a b; echo c >&2", shell=True)) == {"stdout": "b", "stderr": "c"}
    expanded = shell("echo $X ${Y} $NOT_SET_AT_ALL", env={"X": "x", "Y": "y"}, expand_env_vars=True)
    assert run(expanded)["stdout"] == "x y $NOT_SET_AT_ALL"
    assert run({SHELL: {"script": "pwd", "directory": "/"}})["stdout"] == "/"
    assert "/\n" in capsys.readouterr().out


def test_a_step_may_be_any_function(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "own_steps.py").write_text("def plain(x):\n    return {'x': x}\nasync def waits(x):\n    return x\n")
    monkeypatch.syspath_prepend(str(folder))
    assert run({"own_steps.plain": {"x": [1]}}) == {"x": [1]}
    assert run({"own_steps.waits": {"x": 2}}) == 2


def test_requirements_that_are_not_there() -> None:
    step = {
        "prefect.deployments.steps.pip_install_requirements": {"requirements_file": "no.txt", "stream_output": False}
    }
    with pytest.raises(RuntimeError, match=r"no\.txt"):
        run(step)


def test_code_on_remote_storage(folder: Path) -> None:
    import fsspec

    files = fsspec.filesystem("memory")
    files.pipe({"/bucket/code/flows.py": b"x = 1", "/bucket/code/deep/er.txt": b"er", "/bucket/other.txt": b"no"})
    storage = RemoteStorage("memory://bucket/code")
    ((name, inputs),) = storage.to_pull_step().items()
    assert run({name: inputs}) == {"directory": "bucket/code"}
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert found == ["bucket/code/deep/er.txt", "bucket/code/flows.py"]
    with pytest.raises(RuntimeError, match="no files in 'memory://bucket/nothing'"):
        run({name: {"url": "memory://bucket/nothing"}})


def test_secrets_of_remote_storage_are_named_not_written() -> None:
    secret = Secret(value="s3cr3t")
    secret.save("key")
    assert "s3cr3t" not in json.dumps(RemoteStorage("s3://b/p", secret=secret).to_pull_step())


def test_code_in_a_block(folder: Path) -> None:
    source = folder / "source"
    source.mkdir()
    (source / "flows.py").write_text("x = 1")
    block = LocalFileSystem(basepath=str(source))
    with pytest.raises(RuntimeError, match="was not saved"):
        BlockStorageAdapter(block).to_pull_step()
    block.save("code")
    step = BlockStorageAdapter(block).to_pull_step()
    assert run(step) == {"directory": "local-file-system-code"}
    assert (folder / "local-file-system-code/flows.py").read_text() == "x = 1"
