"""Templates: what they give, and that none of them takes long or gets large."""

from __future__ import annotations

import time

import pytest

from prefect.server.operations.rendering import TemplateError, render

EVENT = {
    "event": {"id": "e", "resource": {"name": "orders"}, "related": [{"role": "tag"}] * 3, "long": list(range(5000))}
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ event.resource.name }} of {{ event.id }}", "orders of e"),
        (
            "{% for each in event.related %}{{ each.role }}{% if not loop.last %}, {% endif %}{% endfor %}",
            "tag, tag, tag",
        ),
        ("{{ event.missing }}|{{ event.missing.deeper | default('none') }}", None),
        ("{{ event.id ~ '-' ~ event.resource.name | upper }}", "e-ORDERS"),
        ("{{ 'a' + 'b' }} {{ 3 * 4 }} {{ 2 ** 10 }} {{ 7 % 4 }}", "ab 12 1024 3"),
        ("{{ ['a', 'b'] | join(', ') }} {{ 'aXa' | replace('X', '-') }} {{ ' a '.strip() }}", "a, b a-a a"),
        ("{% set n = 2 %}{% for i in range(n) %}{{ i }}{% endfor %}", "01"),
        ("{% for a, b in {'x': 1}.items() %}{{ (a, b) }}{{ a in ('x', 'y') }}{% endfor %}", "('x', 1)True"),
        (
            "{{ {'b': [1.25, none]} | tojson }} {{ 1.256 | round(1) }} {{ [1, 2.5] | sum }}",
            '{"b": [1.25, null]} 1.3 3.5',
        ),
        ("{{ event.related | map(attribute='role') | unique | list }}", "['tag']"),
        ("{% macro m(x) %}<{{ x }}>{% endmacro %}{% set y %}{{ m(1) }}{% endset %}{{ y }}", "<1>"),
    ],
)
def test_what_a_template_gives(template: str, text: str | None) -> None:
    if text is None:
        with pytest.raises(TemplateError, match="deeper|undefined|no attribute"):
            render(template, EVENT)
    else:
        assert render(template, EVENT) == text


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in event.long %}{% for j in event.long %}{% set x = i %}{% endfor %}{% endfor %}",
        "{% for i in range(1000) %}{% for j in range(1000) %}{{ i }}{% endfor %}{% endfor %}",
        "{{ range(10 ** 9) }}",
        "{{ 'x' * 10 ** 9 }}",
        "{{ 10 ** 9000 }}",
        "{% set x = 9 %}" + "{% set x = x * x %}" * 60 + "{{ x }}",
        "{% set x = 'x' %}" + "{% set x = x ~ x %}" * 60 + "{{ x }}",
        "{% set x = 'x' %}" + "{% set x = x + x %}" * 60 + "{{ x }}",
        "{% set x = 'xxxxxxxxxx' %}" + "{% set x = x | replace('x', x) %}" * 20 + "{{ x }}",
        "{% set x = 'x' %}" + "{% set x = range(1000) | join(x) %}" * 20 + "{{ x }}",
        "{{ 'x'.center(10 ** 9) }}",
        "{{ 'x'.zfill(10 ** 9) }}",
        "{{ '{:>1000000000}'.format('x') }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ '{:>1000000000}'.format_map({}) }}",
        "{% set x = '{0}{0}' %}" + "{% set x = x.format(x) %}" * 30 + "{{ x }}",
        "{{ (1).to_bytes(10 ** 9, 'big') }}",
        "{{ 1 | round(10 ** 9, 'ceil') }}",
        "{{ [1] | tojson(10 ** 9) }}",
        "{% set x = ['x'] %}" + "{% set x = [x, x] %}" * 60 + "{{ x }}",
        "{% set x = ['x'] %}" + "{% set x = (x, x) %}" * 60 + "{{ x | tojson | length }}",
        "{% set x = {} %}" + "{% set x = {'a': x, 'b': x} %}" * 60 + "{{ x | dictsort }}",
        "{% set x = 1 %}" + "{% set x = {}.fromkeys(range(1000), x) %}" * 9 + "{{ x | length }}",
        "{% set x = ['x'] %}" + "{% set x = [x, x] | sum(start=[]) %}" * 60 + "{{ x | length }}",
        "{% set x = '<' %}" + "{% set x = x | tojson | tojson %}" * 60 + "{{ x | length }}",
        "{% set x = 'x' %}" + "{% set x %}{{ x }}{{ x }}{% endset %}" * 60 + "{{ x | length }}",
        "{% macro m(n) %}{{ m(n - 1) ~ m(n - 1) if n else '' }}{% endmacro %}{{ m(30) }}",
        "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(1) }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% set x = range(1000) | list %}{% for i in x %}{% for j in x %}{{ x == x | list }}{% endfor %}{% endfor %}",
        "{% set y %}{% for i in range(1000) %}{{ event.long }}{% endfor %}{% endset %}",
        "{{ 'x' | center(10 ** 9) }}",
        "{{ 'x' | indent(10 ** 9, true) }}",
        "{{ lipsum(n=10 ** 6) }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ event.long.append(1) }}",
        "{% for i in event.long %}{{ '" + "x" * 200 + "' }}{% endfor %}",
        "{% for i in a %}{% for i in a %}{% for i in a %}{% endfor %}{% endfor %}{% endfor %}",
        "{{ unfinished",
    ],
)
def test_what_would_take_long_or_get_large_is_refused(template: str) -> None:
    began = time.thread_time()
    with pytest.raises(TemplateError, match="Invalid jinja"):
        render(template, EVENT)
    assert time.thread_time() - began < 5


DOUBLED = "{% set x = 'x' %}" + "{% set x = x ~ x %}" * 18


@pytest.mark.parametrize(
    ("template", "bound"),
    [
        (
            "{% for i in range(1000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}",
            "at most 100,000 rounds together",
        ),
        (DOUBLED + "{% set y = x ~ x ~ x %}", "texts in a template have at most 524,288 characters"),
        (DOUBLED + "{% set y = [x, x, x, x, x, x, x, x] %}", "values in a template have at most 2,000,000 characters"),
        (DOUBLED + "{% set y = x ~ 'y' %}" * 90, "at most 20,000,000 characters together"),
    ],
    ids=["rounds", "text", "value", "values"],
)
def test_each_bound_holds_by_itself(template: str, bound: str) -> None:
    with pytest.raises(TemplateError, match=bound):
        render(template, EVENT)
