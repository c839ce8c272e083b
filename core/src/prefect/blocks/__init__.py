"""Blocks: configuration that is stored with the orchestrator, typed, its secrets kept apart from what is shown."""
