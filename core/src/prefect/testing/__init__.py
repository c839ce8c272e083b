"""Kits for testing flows, tasks and plugins."""
