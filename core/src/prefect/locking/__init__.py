"""Locks on results, so that of several runs with the same key one computes and the others wait."""

from prefect.utilities import lazy

lazy.install(globals(), {})
