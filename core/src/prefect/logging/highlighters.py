r"""
What is coloured in the lines of the console.

A highlighter is a list of regular expressions with named groups; what a group matches gets the style
`<base_style><group>` of the console handler. Subclass one to highlight more:

    class MyHighlighter(PrefectConsoleHighlighter):
        highlights = [*PrefectConsoleHighlighter.highlights, r"(?P<order>order \d+)"]  # styles: {log.order: cyan}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

from prefect.logging.styles import paint, style_codes

__all__ = [
    "LevelHighlighter",
    "NameHighlighter",
    "PrefectConsoleHighlighter",
    "RegexHighlighter",
    "StateHighlighter",
    "UrlHighlighter",
]


class RegexHighlighter:
    """Finds the parts of a text that have a style."""

    base_style: ClassVar[str] = ""
    highlights: ClassVar[list[str]] = []

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        # Only once something is coloured: most processes write to a file or a pipe.
        return [re.compile(highlight) for highlight in self.highlights]

    def spans(self, text: str) -> list[tuple[int, int, str]]:
        """Where a part begins and ends, and the name of its style; no two of them overlap."""
        found = [
            (*match.span(group), self.base_style + group)
            for pattern in self._patterns
            for match in pattern.finditer(text)
            for group, part in match.groupdict().items()
            if part
        ]
        spans: list[tuple[int, int, str]] = []
        for span in sorted(found):
            if not spans or span[0] >= spans[-1][1]:
                spans.append(span)
        return spans

    def highlight(self, text: str, styles: Mapping[str, str]) -> str:
        """
        The text with codes for the terminal.

        Args:
            text: The text.
            styles: For each name of a style the style: `{"log.info_level": "cyan"}`. Names without one have none.
        """
        pieces = []
        end = 0
        for start, stop, name in self.spans(text):
            style = styles.get(name)
            if style:
                pieces += [text[end:start], paint(text[start:stop], style_codes(style))]
                end = stop
        return "".join((*pieces, text[end:]))


class LevelHighlighter(RegexHighlighter):
    """Highlights the names of levels."""

    base_style = "level."
    highlights: ClassVar[list[str]] = [
        rf"(?P<{level.lower()}_level>\b{level}\b)" for level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    ]


class UrlHighlighter(RegexHighlighter):
    """Highlights URLs: of the web, and of this machine."""

    base_style = "url."
    highlights: ClassVar[list[str]] = [
        r"(?P<local_url>https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d+)?(?:/[^\s'\"]*)?)",
        r"(?P<web_url>(?:https?|wss?|ftp)://[^\s'\"]+)",
    ]


class NameHighlighter(RegexHighlighter):
    """Highlights the names of flow runs, task runs and flows."""

    base_style = "name."
    highlights: ClassVar[list[str]] = [
        r"\b[Ff]low run (?P<flow_run_name>'[^']+')",
        r"\b[Tt]ask run (?P<task_run_name>'[^']+')",
        r"\b[Ff]low (?P<flow_name>'[^']+')",
    ]


class StateHighlighter(RegexHighlighter):
    """Highlights the names of final states, with what is in brackets after them."""

    base_style = "state."
    highlights: ClassVar[list[str]] = [
        rf"(?P<{state.lower()}_state>\b{state}\b(?:\([^)]*\))?)"
        for state in ("Completed", "Cancelled", "Failed", "Crashed", "Cached", "TimedOut", "RolledBack", "Paused")
    ]


class PrefectConsoleHighlighter(RegexHighlighter):
    """Highlights all of these, for the console."""

    base_style = "log."
    highlights: ClassVar[list[str]] = [
        *LevelHighlighter.highlights,
        *UrlHighlighter.highlights,
        *NameHighlighter.highlights,
        *StateHighlighter.highlights,
    ]
