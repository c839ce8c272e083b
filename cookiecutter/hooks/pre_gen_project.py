"""Refuse a slug that could not be the name of a distribution and of a package."""

import re
import sys

SLUG = "{{ cookiecutter.slug }}"

if not re.fullmatch(r"prefect(-[a-z][a-z0-9]*)+", SLUG):
    sys.exit(f"The slug is {SLUG!r}; it must be 'prefect-' and then words of a-z and 0-9, joined by '-': 'prefect-readable-json'.")
