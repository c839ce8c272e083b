"""Leave out what was not asked for."""

from pathlib import Path

PACKAGE = Path("src") / "{{ cookiecutter.__module }}"

FAMILIES = {
    "serializer": ("{{ cookiecutter.serializer }}", "serializers.py"),
    "block": ("{{ cookiecutter.block }}", "blocks.py"),
    "notifier": ("{{ cookiecutter.notifier }}", "notifiers.py"),
    "result_storage": ("{{ cookiecutter.result_storage }}", "storage.py"),
    "task_runner": ("{{ cookiecutter.task_runner }}", "task_runners.py"),
    "worker": ("{{ cookiecutter.worker }}", "workers.py"),
    "steps": ("{{ cookiecutter.steps }}", "steps.py"),
    "cli": ("{{ cookiecutter.cli }}", "commands.py"),
    "lock_manager": ("{{ cookiecutter.lock_manager }}", "locks.py"),
    "settings": ("{{ cookiecutter.settings }}", "settings.py"),
}

for family, (wanted, module) in FAMILIES.items():
    if wanted != "True":
        (PACKAGE / module).unlink()
        (Path("tests") / f"test_{family}.py").unlink()
