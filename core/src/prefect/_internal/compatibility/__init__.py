"""Sync and async callables under one name."""
