"""Task runners."""

from prefect.task_runners import ThreadPoolTaskRunner


class {{ cookiecutter.__class }}TaskRunner(ThreadPoolTaskRunner):
    """Runs tasks in threads. Replace it by a subclass of `TaskRunner` with `duplicate` and `submit` of its own."""
