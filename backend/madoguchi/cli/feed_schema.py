"""`madoguchi feed schema`: the JSON Schema of the status feed, for those who write its files."""

import typer

from madoguchi.procedures.status_feed.schema import status_feed_schema


def schema() -> None:
    """利用状況の連携ファイル(JSON Lines)の1行の形を、JSON Schema で書き出します。"""
    typer.echo(status_feed_schema(), nl=False)
