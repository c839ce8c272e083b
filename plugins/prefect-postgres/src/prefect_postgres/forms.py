"""How columns are declared, and conditions written, in Postgres: what differs from the forms that the core knows."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.compiler import compiles

from prefect.server.database.dialects import HasMemberLike, HasText, IsLike, IsOneOf, JsonMember, SecondsBetween
from prefect.server.database.types import Document, Identifier, Moment, Seconds

__all__: list[str] = []

KIND = "postgresql"


@compiles(Identifier, KIND)
def _identifier(element: Any, compiler: Any, **options: Any) -> str:
    return "UUID"


@compiles(Moment, KIND)
def _moment(element: Any, compiler: Any, **options: Any) -> str:
    return "TIMESTAMP WITH TIME ZONE"


@compiles(Document, KIND)
def _document(element: Any, compiler: Any, **options: Any) -> str:
    return "JSON"  # and not JSONB, which forgets the order of keys and how numbers were written


@compiles(Seconds, KIND)
def _seconds(element: Any, compiler: Any, **options: Any) -> str:
    return "DOUBLE PRECISION"


@compiles(IsLike, KIND)
def _is_like(element: Any, compiler: Any, **options: Any) -> str:
    text, pattern, *escape = (compiler.process(clause, **options) for clause in element.clauses)
    no_escape = "''"
    return f"({text} ILIKE {pattern} ESCAPE {escape[0] if escape else no_escape})"


@compiles(IsOneOf, KIND)
def _is_one_of(element: Any, compiler: Any, **options: Any) -> str:
    _, condition, _ = element.clauses
    return f"({compiler.process(condition, **options)})"


@compiles(HasText, KIND)
def _has_text(element: Any, compiler: Any, **options: Any) -> str:
    # By the index of tags, which has only lists that are not empty.
    items, text, _ = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(CAST({items} AS TEXT) <> '[]' AND prefect_texts({items}) @> ARRAY[CAST({text} AS TEXT)])"


@compiles(JsonMember, KIND)
def _json_member(element: Any, compiler: Any, **options: Any) -> str:
    document, name = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({document} ->> {name})"


@compiles(HasMemberLike, KIND)
def _has_member_like(element: Any, compiler: Any, **options: Any) -> str:
    document, pattern, escape = (compiler.process(clause, **options) for clause in element.clauses)
    return (
        f"EXISTS (SELECT 1 FROM json_each_text({document}) AS member "  # noqa: S608 - only compiled clauses
        f"WHERE member.value ILIKE {pattern} ESCAPE {escape})"
    )


@compiles(SecondsBetween, KIND)
def _seconds_between(element: Any, compiler: Any, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"CAST(EXTRACT(EPOCH FROM {end} - {start}) AS DOUBLE PRECISION)"
