"""Markdown that users wrote, as HTML that does nothing."""

from __future__ import annotations

from functools import cache
from html import escape
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

__all__ = ["is_safe_link", "render"]

_LONGEST = 200_000


def is_safe_link(address: str) -> bool:
    """Whether an address is one of the web or of mail, and so runs nothing here."""
    try:
        return urlsplit(address.strip()).scheme.lower() in {"http", "https", "mailto"}
    except ValueError:
        return False


def render(text: str) -> Markup:
    """
    Markdown as HTML: HTML in it is shown as text, links lead to the web or to mail, pictures are links.

    Args:
        text: The Markdown. What is very long is shown as it is.
    """
    if len(text) > _LONGEST:
        return Markup(f"<pre>{escape(text)}</pre>")  # noqa: S704
    parser = _parser()
    tokens = parser.parse(text)
    _tame(tokens)
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704


@cache
def _parser() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    made.validateLink = is_safe_link  # type: ignore[method-assign,assignment]
    return made


def _tame(tokens: list[Token]) -> None:
    """Headings are below those of the page, nothing has a style, and pictures are links: pages load nothing from elsewhere."""
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
        style = token.attrs.pop("style", None)
        if style == "text-align:right":
            token.attrSet("class", "number")
        if token.type == "link_open":
            token.attrSet("rel", "noopener noreferrer nofollow")
        if token.children:
            token.children = [part for child in token.children for part in _as_link(child)]
            _tame(token.children)


def _as_link(token: Token) -> list[Token]:
    if token.type != "image":
        return [token]
    text = Token("text", "", 0, content=token.content or "picture")
    begin = Token("link_open", "a", 1, attrs={"href": str(token.attrs.get("src", ""))})
    return [begin, text, Token("link_close", "a", -1)]
