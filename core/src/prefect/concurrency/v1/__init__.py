"""Slots of the limits of tags, for task runs."""
