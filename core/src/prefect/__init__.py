"""Prefect: flows and tasks that are observed, retried, cached and recorded."""
