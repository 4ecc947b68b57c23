"""`madoguchi schema`: the GraphQL schema as text, from which schema.graphql is made."""

import typer


def schema() -> None:
    """GraphQL のスキーマを書き出します。"""
    from madoguchi.doors.api.schema import (
        printed_schema,
    )  # here, as GraphQL takes a second to load and no other command needs it

    typer.echo(printed_schema(), nl=False)
