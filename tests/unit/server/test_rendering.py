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
    began = time.process_time()
    with pytest.raises(TemplateError, match="Invalid jinja"):
        render(template, EVENT)
    assert time.process_time() - began < 2
