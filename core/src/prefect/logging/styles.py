"""Colours of the terminal: `bold red`, `bright_blue`, `color(178)`, `#ff8800`, and marked-up texts."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["paint", "render_markup", "strip_markup", "style_codes"]

_COLORS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_ATTRIBUTES = {"bold": "1", "dim": "2", "italic": "3", "underline": "4", "blink": "5", "reverse": "7", "strike": "9"}

# The names of further colours that configurations commonly have.
_NUMBERED = {"green3": 40, "yellow3": 184, "red3": 160, "orange1": 214, "orange3": 172, "purple": 129, "blue3": 20}

_RESET = "\x1b[0m"


def paint(text: str, codes: str) -> str:
    """The text with a terminal's codes around it."""
    return f"\x1b[{codes}m{text}{_RESET}" if codes else text


@lru_cache
def style_codes(style: str) -> str:
    """
    The codes of a style, for `paint`.

    Raises:
        ValueError: There is no such style.
    """
    codes = []
    ground = "3"
    for word in style.lower().split():
        if word == "on":
            ground = "4"
        elif word in _ATTRIBUTES:
            codes.append(_ATTRIBUTES[word])
        elif word not in {"default", "none", "not"}:
            codes.append(_color_codes(word, ground, style))
    return ";".join(codes)


def _color_codes(word: str, ground: str, style: str) -> str:
    if word in _COLORS:
        return f"{ground}{_COLORS.index(word)}"
    if word.removeprefix("bright_") in _COLORS:
        return f"{'9' if ground == '3' else '10'}{_COLORS.index(word.removeprefix('bright_'))}"
    number = _NUMBERED.get(word)
    if number is None and (match := re.fullmatch(r"(?:color)?\(?(\d{1,3})\)?", word)) and int(match[1]) < 256:
        number = int(match[1])
    if number is not None:
        return f"{ground}8;5;{number}"
    if match := re.fullmatch(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", word):
        return f"{ground}8;2;" + ";".join(str(int(part, 16)) for part in match.groups())
    message = (
        f"There is no colour {word!r} (in the style {style!r}). Colours: {', '.join(_COLORS)}, each with bright_ "
        "before it too, color(0) to color(255), #rrggbb."
    )
    raise ValueError(message)


_TAG = re.compile(r"\\?\[(/?)([a-z#][a-z0-9_#() ]*|)\]")


def _replace_tags(text: str, opened: list[str] | None) -> str:
    def replace(match: re.Match[str]) -> str:
        if match[0].startswith("\\"):
            return match[0][1:]
        closing, style = match[1], match[2]
        if closing:
            if opened is None:
                return ""
            if opened:
                opened.pop()
            return _RESET + "".join(f"\x1b[{codes}m" for codes in opened)
        try:
            codes = style_codes(style) if style else ""
        except ValueError:
            return match[0]  # some other text in brackets
        if not style:
            return match[0]
        if opened is None:
            return ""
        opened.append(codes)
        return f"\x1b[{codes}m"

    return _TAG.sub(replace, text)


def render_markup(text: str) -> str:
    r"""Style what is between tags: `[bold red]words[/bold red]` or `[red]words[/]`; `\[` is a bracket."""
    opened: list[str] = []
    rendered = _replace_tags(text, opened)
    return rendered + _RESET if opened else rendered


def strip_markup(text: str) -> str:
    """Remove the tags that `render_markup` knows, for where there are no styles."""
    return _replace_tags(text, None)
