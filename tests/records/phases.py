"""Whether a migration only expands: the release before goes on serving while it has run already (decisions/0006).

The database itself is asked, before and after: what was there must still be there, take what it took, and ask no more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, inspect


@dataclass(frozen=True, slots=True)
class Shape:
    """A table as statements meet it."""

    columns: dict[str, tuple[str, bool, bool]]
    """Name -> type, whether it takes null, whether it has a default or is numbered."""
    narrowing: frozenset[tuple[str, ...]]
    """What a row may be refused for: keys, unique indexes, checks, foreign keys, triggers."""


def shapes(connection: Connection) -> dict[str, Shape]:
    """Every table of ours."""
    found = inspect(connection)
    return {
        table: Shape(dict(_columns(found, table)), frozenset(_narrowing(found, connection, table)))
        for table in found.get_table_names()
        if table != "alembic_version"
    }


def narrowed(before: dict[str, Shape], after: dict[str, Shape]) -> list[str]:
    """What the release before could do and can do no more; empty for a migration that only expands."""
    found = [f"table {table} is gone" for table in before.keys() - after.keys()]
    for table in before.keys() & after.keys():
        old, new = before[table], after[table]
        for column, (kind, nullable, _) in old.columns.items():
            if column not in new.columns:
                found.append(f"{table}.{column} is gone")
            elif new.columns[column][0] != kind:
                found.append(f"{table}.{column} was {kind} and is {new.columns[column][0]}")
            elif nullable and not new.columns[column][1]:
                found.append(f"{table}.{column} took null")
            elif old.columns[column][2] and not new.columns[column][2]:
                found.append(f"{table}.{column} had a default")
        for column in new.columns.keys() - old.columns.keys():
            if not any(new.columns[column][1:]):
                found.append(f"{table}.{column} is new and must be given")
        # On a new column that may be null or has its default, a reference or an index refuses no row of before.
        fresh = new.columns.keys() - old.columns.keys()
        found += [
            f"{table} refuses more: {' '.join(what)}"
            for what in new.narrowing - old.narrowing
            if not (what[0] == "foreign key" and set(what[1:]) <= fresh)
        ]
    return sorted(found)


def insert_everywhere(connection: Connection, columns: dict[str, Shape], turn: int) -> int:
    """One row in every table, by exactly these columns, as the release that knows them would write it.

    turn  another one gives other keys. Returns how many rows were written.
    """
    metadata = sa.MetaData()
    metadata.reflect(connection, only=list(columns))
    keys: dict[tuple[str, str], Any] = {}
    written = 0
    for table in metadata.sorted_tables:
        row = {}
        for name in columns[table.name].columns:
            column = table.c[name]
            reference = next(iter(column.foreign_keys), None)
            if reference is not None and reference.column.table is not table:
                row[name] = keys[reference.column.table.name, reference.column.name]
            elif not column.nullable or column.primary_key:
                row[name] = _value(column, turn)
        connection.execute(table.insert().values(row))
        keys |= {(table.name, name): value for name, value in row.items()}
        written += 1
    return written


def _value(column: sa.Column[Any], turn: int) -> Any:
    """A plausible value: of its type, and another one each turn."""
    kind = column.type
    if isinstance(kind, sa.Boolean):
        return False
    if isinstance(kind, sa.Integer):
        return 1000 + turn
    if isinstance(kind, sa.Date):
        return date(2026, 11, 10 + turn)
    if isinstance(kind, sa.DateTime):
        zone = UTC if kind.timezone else None
        return datetime(2027 if column.name == "until" else 2026, 11, 10 + turn, tzinfo=zone)
    if isinstance(kind, sa.JSON):
        return {}
    if isinstance(kind, sa.LargeBinary):
        return b""
    if column.name == "state":
        return "pending"
    return f"{turn:0{getattr(kind, 'length', None) or 8}}"


def _columns(found: sa.Inspector, table: str) -> Iterator[tuple[str, tuple[str, bool, bool]]]:
    key = found.get_pk_constraint(table)["constrained_columns"]
    for column in found.get_columns(table):
        numbered = key == [column["name"]] and isinstance(column["type"], sa.Integer)
        given = column["default"] is not None or numbered
        yield column["name"], (str(column["type"]), column["nullable"], given)


def _narrowing(found: sa.Inspector, connection: Connection, table: str) -> Iterator[tuple[str, ...]]:
    yield "key", *found.get_pk_constraint(table)["constrained_columns"]
    for unique in found.get_unique_constraints(table):
        yield "unique", *sorted(unique["column_names"])
    for index in found.get_indexes(table):
        if index["unique"]:
            yield "unique", *sorted(str(name) for name in index["column_names"])
    for check in found.get_check_constraints(table):
        yield "check", check["sqltext"]
    for foreign in found.get_foreign_keys(table):
        yield "foreign key", *foreign["constrained_columns"]
    triggers = (
        "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = :table"
        if connection.dialect.name == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = CAST(:table AS regclass)"
    )
    for (name,) in connection.execute(sa.text(triggers), {"table": table}):
        yield "trigger", name
