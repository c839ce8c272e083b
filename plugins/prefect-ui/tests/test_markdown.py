"""Markdown of users: shown well, and harmless."""

from __future__ import annotations

import pytest

from prefect_ui.markdown import is_safe_link, render


def test_markdown_becomes_html():
    shown = render("# Report\n\nAll *well*, ~~not~~.\n\n```python\nx = 1\n```\n")
    assert "<h3>Report</h3>" in shown
    assert "<em>well</em>" in shown
    assert "<s>not</s>" in shown
    assert '<code class="language-python">x = 1' in shown


def test_tables_are_aligned_without_styles():
    shown = render("| a | b |\n|:--|--:|\n| 1 | 2 |\n")
    assert "<th>a</th>" in shown
    assert '<td class="number">2</td>' in shown
    assert "style" not in shown


def test_links_say_that_they_lead_elsewhere():
    assert render("[here](https://example.org/?a=1&b=2)") == (
        '<p><a href="https://example.org/?a=1&amp;b=2" rel="noopener noreferrer nofollow">here</a></p>\n'
    )


def test_pictures_are_links_since_nothing_is_loaded_from_elsewhere():
    shown = render("![a cat](https://example.org/cat.png)")
    assert "<img" not in shown
    assert '<a href="https://example.org/cat.png" rel="noopener noreferrer nofollow">a cat</a>' in shown


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "![x](javascript:alert(1))",
        "[x][1]\n\n[1]: javascript:alert(1)",
        "<javascript:alert(1)>",
        '[x](https://example.org/"onclick="alert(1))',
        '```"onclick="x\ncode\n```',
    ],
)
def test_nothing_in_it_runs(text):
    shown = render(text)
    assert "<script" not in shown
    assert "<img" not in shown
    assert 'href="javascript' not in shown.lower()
    assert 'href="data' not in shown.lower()
    assert '"onclick=' not in shown


def test_what_is_very_long_is_shown_as_it_is():
    assert render("# <b>" + "x" * 200_000).startswith("<pre># &lt;b&gt;")


def test_safe_links_are_those_of_the_web_and_of_mail():
    assert [
        is_safe_link(each) for each in ("https://a", "HTTP://a", "mailto:a@b", "ftp://a", "/a", "", "http://[")
    ] == [
        True,
        True,
        True,
        False,
        False,
        False,
        False,
    ]
