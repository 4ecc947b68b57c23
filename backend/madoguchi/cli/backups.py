"""`madoguchi backup` and `madoguchi restore`: the records of an installation in SQLite, as one file.

PostgreSQL has better programs of its own: then both commands say exactly which. Keys are never in a backup, or who
finds one could speak for the credit union.
"""

import shlex
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.engine import make_url

from madoguchi.cli.context import office, sqlite_file
from madoguchi.cli.failures import Trouble
from madoguchi.cli.holding import file_exchanged
from madoguchi.cli.words import AsJson, in_words, say, say_json
from madoguchi.procedures.backing_up import BackupDamaged, InUse, back_up, restore
from madoguchi.settings import Settings

KEYS = "鍵(MADOGUCHI_DATA_DIR)は入っていません。鍵の控えは、別の場所に保管してください。"
File = Annotated[Path, typer.Argument(help="控えのファイル。", metavar="FILE", show_default=False)]


def backup(context: typer.Context, file: File, as_json: AsJson = False) -> None:
    """記録の控えを、新しいファイルに取ります。窓口が動いている間も取れます。鍵は入りません。

    この時点までに記録されたことが、すべて入ります。でき上がりを確かめてから、その名前になります(持ち主だけが読めます)。
    すでにあるファイルには書きません。PostgreSQL では、使うコマンドを表示します。
    """
    desk = office(context)
    _refuse_postgresql(desk.settings, file)
    database = sqlite_file(desk.settings)
    if not database.exists():
        raise Trouble(f"記録のファイル {database} がありません。MADOGUCHI_DATABASE_URL を確かめてください。")
    if not file.parent.is_dir():
        raise Trouble(f"フォルダー {file.parent} がありません。先に作るか、ほかの場所を指定してください。")
    at = desk.now
    try:
        octets = back_up(database, file)
    except FileExistsError:
        raise Trouble(f"{file} はすでにあります。ほかの名前を指定してください。") from None
    except BackupDamaged as damaged:
        raise Trouble(_damage("記録のファイルが壊れています。正しい控えから復元してください。", damaged)) from None
    if as_json:
        say_json({"file": str(file), "octets": octets, "at": at, "keys": False})
        return
    say(f"控えを取りました: {file}({octets:,} バイト、{in_words(at)} 現在)")
    say(KEYS)


def restore_(
    context: typer.Context,
    file: File,
    replace: Annotated[
        bool, typer.Option("--replace", help="今の記録と入れ替えます。今の記録は、別の名前で残します。")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """控えから記録を戻します。窓口と取り込みを止めてから実行します。控えを取ったあとの記録は、戻りません。

    控えが壊れていないことを、先に確かめます。できなかったときは、何も変わっていません。
    PostgreSQL では、使うコマンドを表示します。
    """
    desk = office(context)
    _refuse_postgresql(desk.settings, file)
    database, at = sqlite_file(desk.settings), desk.now
    if not file.is_file():
        raise Trouble(f"控えのファイル {file} がありません。")
    if database.exists() and not replace:
        raise Trouble(f"{database} には今の記録があります。入れ替えるには --replace を付けてください。")
    database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with file_exchanged(database):
        try:
            kept = restore(file, database, at)
        except InUse:
            raise Trouble(
                f"{database} はほかの処理(窓口、取り込みなど)が使っています。止めてから、もう一度実行してください。"
            ) from None
        except BackupDamaged as damaged:
            raise Trouble(_damage(f"{file} は、madoguchi の正しい控えではありません。", damaged)) from None
    if as_json:
        say_json({"database": str(database), "kept": None if kept is None else str(kept), "at": at})
        return
    say(f"記録を戻しました: {database}")
    if kept is not None:
        say(f"今までの記録は、ここに残しました: {kept}")
    say("窓口を開く前に: 「madoguchi db upgrade」でこの版の形にし、利用状況の新しい全件ファイルを取り込んでください。")
    say("控えのあとに終わった登録は、有効に戻っています。解約などは全件ファイルで改めて反映されます。")
    say("ほかの終わりは「madoguchi registration list」で確かめ、「madoguchi registration stop」で終えてください。")


def postgresql_commands(database_url: str, file: str) -> tuple[str, tuple[str, str]]:
    """How PostgreSQL's own programs back up, and restore into a new database. Passwords are not in it."""
    url = make_url(database_url)
    host, user = url.host or url.query.get("host"), url.username
    given = {"host": host, "port": url.port, "username": user}
    where = [f"--{key}={value}" for key, value in given.items() if value is not None]
    new = f"{url.database}_restored"
    dump = ["pg_dump", *where, "--format=custom", f"--file={file}", f"--dbname={url.database}"]
    create = ["createdb", *where, "--template=template0", new]
    fill = ["pg_restore", *where, "--exit-on-error", "--single-transaction", "--no-owner", f"--dbname={new}", file]
    return shlex.join(dump), (shlex.join(create), shlex.join(fill))


def _refuse_postgresql(settings: Settings, file: Path) -> None:
    if settings.is_sqlite:
        return
    dump, restoring = postgresql_commands(settings.database_url, str(file))
    raise Trouble(
        "記録は PostgreSQL にあります。PostgreSQL のプログラムで行ってください(パスワードは ~/.pgpass に)。\n"
        f"控えを取る(窓口が動いている間も取れます): (umask 077; {dump})\n"
        "戻す(新しいデータベースに戻し、確かめてから MADOGUCHI_DATABASE_URL をそれに替えます):\n"
        + "\n".join(f"  {command}" for command in restoring)
        + f"\n{KEYS}"
    )


def _damage(sentence: str, damaged: BackupDamaged) -> str:
    return "\n".join([sentence, *(f"  {fault}" for fault in damaged.faults)])
