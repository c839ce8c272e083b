"""Texts, slugs, templates and URLs."""

from __future__ import annotations

import socket

import pytest

from prefect.utilities.annotations import NotSet
from prefect.utilities.slugify import slugify
from prefect.utilities.templating import (
    Placeholder,
    PlaceholderType,
    apply_values,
    determine_placeholder_type,
    find_placeholders,
)
from prefect.utilities.text import fuzzy_match_string, truncated_to
from prefect.utilities.urls import convert_class_to_name, validate_restricted_url


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Hello, World!", "hello-world"),
        ("Ünïcödé Straße", "unicode-strasse"),
        ("a  b__c", "a-b-c"),
        ("A&B", "a-b"),
        ("&lt;x&#62; &#x41;", "x-a"),
        ("---a", "a"),
        ("1.5%", "1-5"),
        (" it's ", "it-s"),
        ("日本語", ""),
        ("Łódź", "lodz"),
        (b"bytes", "bytes"),
        ("", ""),
    ],
)
def test_slugs(text, slug):
    assert slugify(text) == slug


def test_replacements_are_made_before_or_after_or_both():
    told = {
        stage: slugify("a|b -c", replacements=[["|", "or"], ["-", "x"]], replacement_stage=stage)
        for stage in ("pre", "post", "both")
    }
    assert told == {"pre": "aorb-xc", "post": "axbxc", "both": "aorbxxc"}
    assert slugify("a|b", replacements=[["|", "or"]]) == "aorb"
    with pytest.raises(ValueError, match="There is no replacement_stage 'before'. Use 'both', 'pre' or 'post'"):
        slugify("a", replacement_stage="before")


def test_options_of_slugs():
    assert slugify("Hello World", separator="_", lowercase=False) == "Hello_World"
    assert slugify("hello wide world", max_length=7) == "hello-w"
    assert slugify("hello wide world", max_length=6) == "hello"
    assert slugify("hello wide world", max_length=12, word_boundary=True) == "hello-wide"
    assert slugify("hello enormous world", max_length=12, word_boundary=True) == "hello-world"
    assert slugify("hello enormous world", max_length=12, word_boundary=True, save_order=True) == "hello"
    assert slugify("The quick fox", stopwords=["the"]) == "quick-fox"
    assert slugify("a|b", replacements=[["|", "or"]]) == "aorb"
    assert slugify("日本 語", allow_unicode=True) == "日本-語"
    assert slugify("a.b c", regex_pattern=r"[^a-z.]+") == "a.b-c"
    assert slugify("&lt;x", entities=False) == "lt-x"


def test_truncation():
    text = "a" * 30 + "b" * 300 + "c" * 30
    assert truncated_to(20, text) == "a" * 10 + "...340 additional characters..." + "c" * 10
    assert truncated_to(1000, text) == text
    assert truncated_to(5, "abcdefghij") == "abcdefghij"  # the remark would be longer
    assert truncated_to(5, None) == ""


def test_guesses():
    assert fuzzy_match_string("hlelo", ["hello", "world"]) == "hello"
    assert fuzzy_match_string("zzz", ["hello"]) is None
    assert fuzzy_match_string("hel", {"help": 1, "hell": 2}.keys(), n=2) in {"help", "hell"}
    assert fuzzy_match_string("hello", ["help"], cutoff=0.99) is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a", PlaceholderType.STANDARD),
        ("prefect.blocks.x.y", PlaceholderType.BLOCK_DOCUMENT),
        ("prefect.variables.z", PlaceholderType.VARIABLE),
        ("$ENV", PlaceholderType.ENV_VAR),
    ],
)
def test_placeholders(name, kind):
    assert determine_placeholder_type(name) is kind
    text = "{{ " + name + " }}"
    assert find_placeholders({"a": ["x " + text, 3]}) == {Placeholder(text, name, kind)}


@pytest.mark.parametrize(
    ("template", "values", "result"),
    [
        ("{{ x }}", {"x": [1, 2]}, [1, 2]),
        ("a {{ x }} b {{y}}", {"x": 1}, "a 1 b "),
        ("{{ y }}", {}, NotSet),
        ({"a": "{{ y }}", "b": "{{x}}"}, {"x": 1}, {"b": 1}),
        (["{{ y }}", "{{x}}", 3, None], {"x": 1}, [1, 3, None]),
        ("{{ x.y }}", {"x": {"y": 2}}, 2),
        ("{{ x.y }}", {"x.y": 3}, 3),
        ("{{ x[0] }}", {"x": [5]}, 5),
        ("{{ x }}", {"x": None}, None),
        ("a{{x}}", {"x": None}, "aNone"),
        ("{{ prefect.blocks.a.b }}", {}, "{{ prefect.blocks.a.b }}"),
        ("{{ x }} {{ prefect.variables.q }}", {"x": 1}, "1 {{ prefect.variables.q }}"),
        ("{{ a }}", {"a": "{{ b }}", "b": 2}, "{{ b }}"),
        ({"{{x}}": "{{x}}"}, {"x": "k"}, {"{{x}}": "k"}),
        (5, {}, 5),
        (None, {}, None),
    ],
)
def test_values_take_the_place_of_placeholders(template, values, result):
    assert apply_values(template, values) == result


def test_environment_variables_in_templates(monkeypatch):
    monkeypatch.setenv("SOME_VARIABLE", "some")
    monkeypatch.delenv("NO_VARIABLE", raising=False)
    assert apply_values("{{ $SOME_VARIABLE }}", {}) == "some"
    assert apply_values("a {{ $SOME_VARIABLE }} {{ $NO_VARIABLE }}", {}) == "a some "


def test_placeholders_without_a_value(caplog):
    assert apply_values({"a": "{{ y }}"}, {}, remove_notset=False) == {"a": "{{ y }}"}
    apply_values("{{ y }}", {}, warn_on_notset=True)
    assert "'y' not found" in caplog.text
    assert apply_values("{{ ctx.z }} {{ x }}", {"x": 1}, skip_prefixes=["ctx"]) == "{{ ctx.z }} 1"


def test_a_template_of_something_else_is_refused():
    with pytest.raises(ValueError, match="'set'"):
        apply_values({1}, {})


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://localhost", "private address"),
        ("https://10.0.0.1", "private address 10.0.0.1"),
        ("https://[::1]/x", "private address ::1"),
        ("http://[::ffff:127.0.0.1]", "private address"),
        ("http://169.254.169.254/latest", "private address"),
        ("http://0.0.0.0", "private address"),
        ("ftp://8.8.8.8", "Only HTTP and HTTPS"),
        ("notaurl", "Only HTTP and HTTPS"),
        ("http://", "names no host"),
        ("http://[::1", "is not a valid URL"),
    ],
)
def test_urls_that_lead_inside_are_refused(url, message):
    with pytest.raises(ValueError, match=message):
        validate_restricted_url(url)


def test_public_urls_pass():
    validate_restricted_url("https://8.8.8.8/x?y")
    with pytest.raises(ValueError, match="could not be resolved"):
        validate_restricted_url("http://does-not-exist.invalid")
    assert socket.AF_INET  # addresses are resolved for real


def test_kinds_in_urls():
    class FlowRun: ...

    class HTTPThing2: ...

    assert convert_class_to_name(FlowRun()) == "flow-run"
    assert convert_class_to_name(HTTPThing2()) == "http-thing2"
