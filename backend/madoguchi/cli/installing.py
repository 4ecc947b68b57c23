"""`madoguchi db upgrade` and `madoguchi keys new`: what an installation needs before it serves."""

import asyncio

import typer

from madoguchi.cli.context import office
from madoguchi.cli.manual.commands import Commands
from madoguchi.cli.words import say
from madoguchi.installation import make_keys
from madoguchi.procedures.installing import open_database, upgrade_database
from madoguchi.settings import Settings

database = Commands("データベース。")
keys = Commands("この環境の鍵。")


@database.callback()
def _database() -> None:
    """Keeps `db upgrade` two words, though it is the only one."""


@keys.callback()
def _keys() -> None:
    """Keeps `keys new` two words."""


@database.command("upgrade")
def upgrade(context: typer.Context) -> None:
    """データベースを、この版の形にします。すでにその形なら、何も変わりません。"""
    settings = office(context).settings
    if settings.is_sqlite:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    changed = asyncio.run(_upgrade(settings))
    say("データベースを、この版の形にしました。" if changed else "データベースは、すでにこの版の形です。")


async def _upgrade(settings: Settings) -> bool:
    opened = open_database(settings, pool_size=1)
    try:
        return await upgrade_database(opened)
    finally:
        await opened.close()


@keys.command("new")
def new(context: typer.Context) -> None:
    """まだない鍵を MADOGUCHI_DATA_DIR に作ります。すでにある鍵は変えません。控えを安全な場所に保管してください。"""
    made = make_keys(office(context).settings)
    for path in made:
        say(f"作りました: {path}")
    if not made:
        say("鍵はすべてあります。")
