import json
import logging
import sys

import pytest

from prefect.plugins.errors import PluginConflictError, PluginLoadError, UnknownNameError
from prefect.plugins.types import RuntimeContext, TaskRunnerSpec

RUNNER = """
    from prefect.plugins import TaskRunnerSpec, register_hook
    class Runner: ...
    @register_hook
    def prefect_task_runners():
        return [TaskRunnerSpec("NAME", "MODULE:Runner")]
"""


def test_a_plugin_provides_what_its_hook_lists(site, start, good):
    module = site.install("prefect-good", good)
    registry = start().task_runners
    assert registry.get("dusk") is sys.modules[module].Runner
    assert registry.spec("dusk") == TaskRunnerSpec("dusk", f"{module}:Runner")
    assert registry.names() == ["thread-pool", "process-pool", "sequential", "dusk"]


def test_builtin_names_are_answered_without_looking_for_plugins(site, start):
    site.install("prefect-broken", "raise RuntimeError('never imported')")
    process = start()
    assert process.serializers.spec("json").target == "prefect.serializers:JSONSerializer"
    assert site.imported() == []
    assert process.host.failures == []


def test_a_plugin_that_fails_at_import_is_recorded_and_hurts_nobody_else(site, start, good, caplog):
    site.install("prefect-aaa", "raise RuntimeError('boom')", version="2.1")
    site.install("prefect-good", good)
    process = start()
    with caplog.at_level(logging.WARNING, "prefect.plugins"):
        assert process.task_runners.get("dusk").__name__ == "Runner"
        process.task_runners.get("dusk")
    [failure] = process.host.failures
    assert (failure.plugin, failure.distribution, failure.version) == ("aaa", "prefect-aaa", "2.1")
    assert (failure.phase, failure.error) == ("import", "RuntimeError: boom")
    assert "prefect_aaa" in failure.traceback
    assert len(caplog.records) == 1
    assert "prefect-aaa 2.1" in caplog.text


def test_a_plugin_that_ends_the_process_when_imported_is_caught(site, start):
    site.install("prefect-exits", "import sys; sys.exit(3)")
    process = start()
    with pytest.raises(UnknownNameError, match=r"SystemExit: 3"):
        process.task_runners.get("dusk")


def test_a_plugin_with_a_wrong_signature_fails_at_registration(site, start):
    site.install(
        "prefect-wrong",
        """
        from prefect.plugins import register_hook
        @register_hook
        def prefect_serializers(no_such_argument): ...
        """,
    )
    process = start()
    process.host.records()
    [failure] = process.host.failures
    assert failure.phase == "register"
    assert "no_such_argument" in failure.error


def test_a_wrapper_is_refused_at_registration(site, start):
    site.install(
        "prefect-wraps",
        """
        from prefect.plugins import register_hook
        @register_hook(wrapper=True)
        def prefect_serializers():
            return (yield)
        """,
    )
    process = start()
    process.host.records()
    assert [failure.phase for failure in process.host.failures] == ["register"]


@pytest.mark.parametrize(
    "declaration",
    [
        "PREFECT_PLUGIN_API_REQUIRES = '>=7'",
        (
            "from prefect.plugins import PluginInfo\n@register_hook\ndef prefect_plugin_info():\n"
            "    return PluginInfo('new', api_requires='>=7')"
        ),
        "PREFECT_PLUGIN_API_REQUIRES = 'seven'",
    ],
)
def test_a_plugin_for_another_api_is_fenced_off(site, start, declaration):
    header = "from prefect.plugins import TaskRunnerSpec, register_hook\n"
    body = "\n@register_hook\ndef prefect_task_runners():\n    return [TaskRunnerSpec('dusk', 'MODULE:x')]\n"
    site.install("prefect-new", header + declaration + body)
    process = start()
    with pytest.raises(UnknownNameError, match="prefect-new 1.0 failed at version"):
        process.task_runners.get("dusk")
    assert [failure.phase for failure in process.host.failures] == ["version"]


def test_a_raising_hook_loses_its_own_answer_only(site, start):
    site.install(
        "prefect-half",
        """
        from prefect.plugins import TaskRunnerSpec, register_hook
        class Runner: ...
        @register_hook
        def prefect_task_runners():
            return [TaskRunnerSpec("dusk", "MODULE:Runner")]
        @register_hook
        def prefect_serializers():
            raise KeyError("half")
        """,
    )
    process = start()
    assert process.task_runners.get("dusk").__name__ == "Runner"
    assert [(failure.phase, failure.error) for failure in process.host.failures] == [("call", "KeyError: 'half'")]


@pytest.mark.parametrize("answer", ["['dusk']", "[TaskRunnerSpec('dusk', 'not a target')]", "7"])
def test_an_answer_of_the_wrong_shape_is_a_failure(site, start, answer):
    site.install(
        "prefect-shape",
        f"""
        from prefect.plugins import TaskRunnerSpec, register_hook
        @register_hook
        def prefect_task_runners():
            return {answer}
        """,
    )
    process = start()
    process.host.records()
    assert [failure.phase for failure in process.host.failures] == ["call"]


def test_two_plugins_with_one_name_are_an_error_that_names_both(site, start):
    site.install("prefect-one", RUNNER.replace("NAME", "dusk"))
    site.install("prefect-two", RUNNER.replace("NAME", "dusk"), version="2.0")
    with pytest.raises(PluginConflictError, match=r"prefect-one 1\.0 and prefect-two 2\.0.*PREFECT_PLUGINS_DENY"):
        start().task_runners.get("dusk")
    pinned = start(deny=frozenset({"one"})).task_runners
    assert "two" in pinned.spec("dusk").target


def test_a_name_of_the_core_cannot_be_taken(site, start):
    site.install("prefect-thief", RUNNER.replace("NAME", "thread-pool"))
    process = start()
    assert process.task_runners.spec("thread-pool").target == "prefect.task_runners:ThreadPoolTaskRunner"
    assert "thread-pool" in process.task_runners.names()
    assert ["belongs to the core" in failure.error for failure in process.host.failures] == [True]


def test_a_target_that_cannot_be_imported_says_who_provides_it_and_why_it_failed(site, start):
    site.install(
        "prefect-lost",
        """
        from prefect.plugins import TaskRunnerSpec, register_hook
        @register_hook
        def prefect_task_runners():
            return [TaskRunnerSpec("dusk", "no_such_module:Runner", install_hint="pip install dusk")]
        """,
    )
    with pytest.raises(PluginLoadError, match=r"prefect-lost 1\.0.*ModuleNotFoundError.*pip install dusk"):
        start().task_runners.get("dusk")


def test_an_unknown_name_lists_what_there_is_and_the_likely_one(site, start, good):
    site.install("prefect-good", good)
    with pytest.raises(UnknownNameError) as caught:
        start().task_runners.get("dust")
    assert str(caught.value) == (
        "No task runner 'dust' is registered. Installed: thread-pool, process-pool, sequential, dusk. Did you mean 'dusk'?"
    )


def test_an_unknown_name_of_a_published_integration_names_what_to_install(start):
    with pytest.raises(UnknownNameError, match="pip install prefect-ray"):
        start().task_runners.get("ray")


def test_an_unreadable_distribution_is_a_failure_of_discovery(site, start, good):
    site.install("prefect-good", good)
    broken = site.folder / "prefect_bad-1.0.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: prefect-bad\nVersion: 1.0\n")
    (broken / "entry_points.txt").write_bytes(b"[prefect.plugins]\n\xff\xfe = x\n")
    process = start()
    assert process.task_runners.get("dusk")
    assert [(failure.distribution, failure.phase) for failure in process.host.failures] == [("prefect-bad", "discover")]


def test_denied_plugins_are_not_imported(site, start, good):
    site.install("prefect-good", good)
    for config in ({"deny": frozenset({"good"})}, {"allow": frozenset({"other"})}, {"safe_mode": True}):
        with pytest.raises(UnknownNameError):
            start(**config).task_runners.get("dusk")
    assert site.imported() == []


def test_a_distribution_may_be_allowed_by_its_name(site, start, good):
    site.install("prefect-good", good)
    assert start(allow=frozenset({"prefect-good"})).task_runners.get("dusk")


def test_strict_mode_raises_what_would_be_recorded(site, start):
    site.install("prefect-broken", "raise RuntimeError('boom')")
    with pytest.raises(PluginLoadError, match="RuntimeError: boom.*PREFECT_PLUGINS_STRICT"):
        start(strict=True).task_runners.get("dusk")


# The index on disk


def test_a_second_process_imports_only_what_it_asks_for(site, start, good):
    module = site.install("prefect-good", good)
    start().host.records()
    del sys.modules[module]
    process = start()
    assert process.task_runners.names() == ["thread-pool", "process-pool", "sequential", "dusk"]
    assert process.host.index.from_disk
    assert site.imported() == []
    assert process.task_runners.get("dusk")
    assert site.imported() == [module]


def test_the_index_follows_what_is_installed(site, start, good):
    start().host.records()
    site.install("prefect-good", good)
    process = start()
    assert process.task_runners.get("dusk")
    assert not process.host.index.from_disk


def test_the_index_follows_a_plugin_that_is_edited_in_place(site, start):
    module = site.install("prefect-one", RUNNER.replace("NAME", "dusk"))
    start().host.records()
    file = site.folder / f"{module}.py"
    file.write_text(file.read_text().replace('"dusk"', '"dawn_"'))
    del sys.modules[module]
    assert start().task_runners.names() == ["thread-pool", "process-pool", "sequential", "dawn_"]


@pytest.mark.parametrize(
    "content", ["", "{", '{"format": 1}', '{"format": 1, "content": 5, "entries": [{"x": 1}]}', "[]"]
)
def test_a_corrupt_index_is_ignored_and_written_anew(site, start, good, tmp_path, content):
    site.install("prefect-good", good)
    start().host.records()
    [file] = (tmp_path / "cache").iterdir()
    stored = json.loads(file.read_text())
    file.write_text(content)
    assert start().task_runners.get("dusk")
    assert json.loads(file.read_text()) == stored


def test_a_corrupt_record_in_the_index_is_ignored(site, start, good, tmp_path):
    site.install("prefect-good", good)
    start().host.records()
    [file] = (tmp_path / "cache").iterdir()
    stored = json.loads(file.read_text())
    next(iter(stored["records"].values()))["specs"] = {"task_runners": [{"nonsense": 1}]}
    file.write_text(json.dumps(stored))
    process = start()
    assert process.task_runners.get("dusk")
    assert "unreadable" in process.host.index.notes[0]


def test_failures_are_not_kept_on_disk(site, start):
    module = site.install("prefect-flaky", "import os\nif 'FLAKY' in os.environ: raise RuntimeError('boom')\n")
    import os

    os.environ["FLAKY"] = "1"
    try:
        start().host.records()
    finally:
        del os.environ["FLAKY"]
    process = start()
    process.host.records()
    assert process.host.failures == []
    assert module in sys.modules


def test_an_index_that_cannot_be_written_is_noted(site, start, good, tmp_path):
    site.install("prefect-good", good)
    (tmp_path / "cache").write_text("a file where the folder should be")
    process = start()
    assert process.task_runners.get("dusk")
    assert "could not be written" in process.host.index.notes[-1]


# Hooks


def test_hooks_are_asked_last_registered_first_and_failures_are_skipped(start):
    class First:
        def prefect_job_environment(self, ctx):
            return {"A": "first", "B": "first"}

    class Second:
        def prefect_job_environment(self):
            return {"A": "second"}

    class Third:
        def prefect_job_environment(self, ctx):
            raise RuntimeError

    from prefect.plugins import register_hook

    host = start().host
    for name, kind in (("one", First), ("two", Second), ("three", Third)):
        register_hook(kind.prefect_job_environment)
        host.register(kind(), name)
    assert host.call("prefect_job_environment", ctx=None) == [{"A": "second"}, {"A": "first", "B": "first"}]
    assert host.call_merged("prefect_job_environment", ctx=None) == {"A": "second", "B": "first"}
    assert [failure.plugin for failure in host.failures] == ["three"]


def test_the_first_answer_ends_the_asking(site, start):
    site.install(
        "prefect-talks",
        """
        from prefect.plugins import DeliveryResult, register_hook
        asked = []
        @register_hook
        def prefect_send_notification(*, target, body):
            asked.append(target)
            return DeliveryResult(True, body) if target == "me" else None
        """,
    )
    host = start().host
    assert host.call_first("prefect_send_notification", target="me", subject=None, body="hi").detail == "hi"
    assert host.call_first("prefect_send_notification", target="you", subject=None, body="hi") is None


def test_pluggys_own_marker_works(site, start):
    site.install(
        "prefect-pluggy",
        """
        import pluggy
        from prefect.plugins import TaskRunnerSpec
        class Runner: ...
        @pluggy.HookimplMarker("prefect")
        def prefect_task_runners():
            return [TaskRunnerSpec("dusk", "MODULE:Runner")]
        """,
    )
    assert start().task_runners.get("dusk").__name__ == "Runner"


def test_an_unknown_hook_is_a_warning(site, start, caplog):
    site.install(
        "prefect-future",
        """
        from prefect.plugins import register_hook
        @register_hook
        def prefect_of_tomorrow(): ...
        @register_hook(optionalhook=True)
        def prefect_of_next_week(): ...
        """,
    )
    process = start()
    with caplog.at_level(logging.WARNING, "prefect.plugins"):
        process.host.records()
    assert process.host.failures == []
    assert "prefect_of_tomorrow" in caplog.text
    assert "next_week" not in caplog.text


STARTS = """
    from prefect.plugins import register_hook
    started = []
    @register_hook
    def prefect_startup(ctx):
        started.append(ctx.role)
"""


def test_startup_reaches_installed_and_later_plugins_once(site, start):
    module = site.install("prefect-starts", STARTS)
    host = start().host
    host.startup(RuntimeContext("4.0", "flow-run"))
    assert sys.modules[module].started == ["flow-run"]

    class Late:
        roles: list = []

        def prefect_startup(self, ctx):
            self.roles.append(ctx.role)

    from prefect.plugins import register_hook

    register_hook(Late.prefect_startup)
    host.register(Late(), "late")
    assert Late.roles == ["flow-run"]
    host.startup(RuntimeContext("4.0", "worker"))
    assert sys.modules[module].started == ["flow-run", "worker"]
    assert Late.roles == ["flow-run", "worker"]


def test_a_plugin_of_this_process_needs_a_name_of_its_own(start):
    host = start().host
    host.register(object(), "mine")
    with pytest.raises(ValueError, match="'mine' is registered already"):
        host.register(object(), "mine")
