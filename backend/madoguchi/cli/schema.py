"""`madoguchi schema`: the GraphQL schema as text, from which schema.graphql is made, or as tools read it."""

import typer

from madoguchi.cli.words import AsJson, say_json


def schema(as_json: AsJson = False) -> None:
    """GraphQL のスキーマを書き出します。"""
    # Here, as GraphQL takes a second to load and no other command needs it.
    from madoguchi.doors.api.schema import introspected_schema, printed_schema

    if as_json:
        say_json(introspected_schema())
    else:
        typer.echo(printed_schema(), nl=False)
