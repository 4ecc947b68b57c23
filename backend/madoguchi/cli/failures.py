"""How a failure is told: one Japanese sentence with what to do, and an exit code.

What nobody foresaw gets a number; its place in the code goes to the log under that number. Messages of exceptions stay
out of it, since they may hold what customers or officers typed.
"""

import errno
import json
import socket
import sys

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from madoguchi import opaque
from madoguchi.doors.http import place_of
from madoguchi.installation import KeysRefused
from madoguchi.procedures.aggregators import AggregatorRefused
from madoguchi.procedures.explaining import FactsDamaged
from madoguchi.procedures.service import NotFound
from madoguchi.procedures.setting_up import InstitutionRefused
from madoguchi.procedures.terms import TermsRefused

UNREACHABLE = "データベースにつながりません。MADOGUCHI_DATABASE_URL と、PostgreSQL が動いていることを確かめてください。"

BUSY = "データベースがほかの処理で使われています。しばらくたってから、もう一度実行してください。"

NOT_LET_IN = (
    "データベースが、このユーザーを受け付けません。MADOGUCHI_DATABASE_URL のユーザー名とパスワードを確かめてください。"
)

NO_SUCH_DATABASE = (
    "その名前のデータベースがありません。MADOGUCHI_DATABASE_URL を確かめるか、「createdb」で作ってください。"
)

DAMAGED = "データベースのファイルが壊れているか、SQLite のものではありません。控えから戻してください。"

NOT_DONE = 1
REFUSED = 3

_NETWORK = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN)


class Trouble(Exception):
    """Something the officer can mend; the message is the whole sentence, in Japanese."""

    def __init__(self, sentence: str, exit_code: int = NOT_DONE) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def database_is_away(failure: Exception) -> bool:
    """Whether waiting may help: the database does not answer, is starting or stopping, or another process writes."""
    if isinstance(failure, PoolTimeout):
        return True
    if isinstance(failure, OSError):
        return _is_of_the_network(failure)
    cause: object = failure
    if isinstance(failure, DBAPIError):
        if failure.connection_invalidated or _of_database(failure) in (UNREACHABLE, BUSY):
            return True
        cause = failure.orig
    # asyncpg's own, before there is a connection: 08 connection, 53 too many of them, 57 shutting down or starting.
    return str(getattr(cause, "sqlstate", None) or "")[:2] in ("08", "53", "57")


def _is_of_the_network(failure: OSError) -> bool:
    if isinstance(failure, ConnectionError | TimeoutError | socket.gaierror):
        return True
    # A file would have been named; asyncio makes one failure out of several addresses.
    unnamed_socket = isinstance(failure, FileNotFoundError) and failure.filename is None
    return unnamed_socket or failure.errno in _NETWORK or str(failure).startswith("Multiple exceptions")


def sentence_of(failure: Exception) -> tuple[str, int]:
    """What to print, and the exit code."""
    if isinstance(failure, Trouble):
        return str(failure), failure.exit_code
    if isinstance(failure, AggregatorRefused | InstitutionRefused | TermsRefused):
        return str(failure), REFUSED
    if isinstance(failure, NotFound | KeysRefused):
        return str(failure), NOT_DONE
    if isinstance(failure, FactsDamaged):
        return f"記録 {failure} は、書かれたときから変わっています。証拠として使えません。", NOT_DONE
    known = _of_database(failure) if isinstance(failure, DBAPIError) else _of_postgresql(failure)
    known = known or (_of_system(failure) if isinstance(failure, OSError) else None)
    return known or _unforeseen(failure), NOT_DONE


def _of_database(failure: DBAPIError) -> str | None:
    said = str(failure.orig)
    if "readonly database" in said or "unable to open database file" in said:
        return (
            "データベースのファイルに書き込めません。置き場所と権限(data/ または MADOGUCHI_DATABASE_URL)を"
            "確かめてください。"
        )
    # A deadlock or a conflict on PostgreSQL: the other one is done by now, and this one changed nothing.
    if "database is locked" in said or getattr(failure.orig, "sqlstate", None) in ("40P01", "40001"):
        return BUSY
    if "not a database" in said or "is malformed" in said:
        return DAMAGED
    if "disk is full" in said:
        return "ディスクの空きがありません。空きを作ってから、もう一度実行してください。"
    if isinstance(failure, OperationalError) and "connect" in said.lower():
        return UNREACHABLE
    return _of_postgresql(failure.orig)


def _of_postgresql(failure: object) -> str | None:
    """What PostgreSQL refuses before there is a connection, by its SQLSTATE."""
    state = str(getattr(failure, "sqlstate", None) or "")
    return NOT_LET_IN if state.startswith("28") else NO_SUCH_DATABASE if state == "3D000" else None


def _of_system(failure: OSError) -> str:
    if _is_of_the_network(failure):
        return UNREACHABLE
    place = failure.filename or "ファイル"
    elsewhere = "別の場所(MADOGUCHI_DATA_DIR など)を指定してください。"
    reasons: dict[type[OSError], str] = {
        FileNotFoundError: f"{place} がありません。名前と場所を確かめてください。",
        PermissionError: f"{place} を読み書きする権限がありません。権限を変えるか、{elsewhere}",
        NotADirectoryError: f"{place} はフォルダーではありません。{elsewhere}",
        FileExistsError: f"{place} と同じ名前のものが、すでにあります。{elsewhere}",
        IsADirectoryError: f"{place} はフォルダーです。ファイルを指定してください。",
    }
    for kind, sentence in reasons.items():
        if isinstance(failure, kind):
            return sentence
    return f"{place} を読み書きできません({failure.strerror})。"


def _unforeseen(failure: Exception) -> str:
    number = opaque.new_id("err_")[:16]
    line = {"event": "unforeseen", "error_id": number, **place_of(failure)}
    print(json.dumps(line, ensure_ascii=False), file=sys.stderr)
    return f"予期しない問題が起きました(番号 {number})。上の1行を添えて、開発者にお知らせください。"
