"""What a shell offers when a word is not complete yet."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.integration.cli.conftest import PREFECT

BASH = "/bin/bash"

pytestmark = pytest.mark.skipif(not Path(BASH).exists(), reason="there is no bash")


@pytest.fixture
def bash(tmp_path):
    """Runs a script in a bash whose home is empty, and which finds the command."""

    def run(script: str) -> str:
        path = f"{Path(PREFECT).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            [BASH, "--norc", "-c", script],
            env={**os.environ, "PATH": path, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    return run


COMPLETE = """
{load}
COMP_WORDS=({words}); COMP_CWORD={number}
_prefect_completion prefect
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("prefect fl", {"flow", "flow-run"}),
        ("prefect flow-run l", {"ls", "logs"}),
        ("prefect deployment schedule p", {"pause"}),
        ("prefect deployments sch", {"schedule"}),
        ("prefect flow-run ls --st", {"--state", "--state-type"}),
    ],
)
def test_words_are_completed(bash, words, expected):
    number = words.count(" ")
    script = COMPLETE.format(load='eval "$(prefect --show-completion)"', words=words, number=number)
    assert set(bash(script).split()) == expected


def test_it_is_installed_for_good(bash, tmp_path):
    assert "completion installed" in bash("prefect --install-completion; true")
    assert "prefect.sh" in (tmp_path / ".bashrc").read_text()
    script = COMPLETE.format(load="source ~/.bash_completions/prefect.sh", words="prefect fl", number=1)
    assert set(bash(script).split()) == {"flow", "flow-run"}
