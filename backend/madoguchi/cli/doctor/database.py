"""The database: that it answers, that what it has committed stays, that it takes all workers, and its clock."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from madoguchi.cli.doctor.findings import Finding, error, ok, warning
from madoguchi.procedures.inspecting import PostgresFacts, SqliteFacts
from madoguchi.settings import Settings

SYNCHRONOUS_FULL: Final = 2

OLDEST_POSTGRESQL: Final = 15
"""The oldest that is tested, and that its makers still mend."""

FOR_COMMANDS: Final = 10
"""Connections beside the workers': officers' commands, the watch of feeds, backups."""

MAY_DIFFER: Final = timedelta(seconds=2)
MUST_NOT_DIFFER: Final = timedelta(seconds=10)
"""The second is what proofs may differ by (doors/dpop.py): beyond, one of the two clocks is plainly wrong."""


def connections_needed(settings: Settings) -> int:
    """How many connections the workers hold at most: main.py opens four pools in each."""
    return settings.workers * (4 * settings.at_work + 3)


def sqlite(facts: SqliteFacts) -> Iterator[Finding]:
    """WAL and FULL: what was answered survives a power cut, and readers do not wait for a writer."""
    if facts.journal_mode != "wal":
        yield error(
            "database.durability",
            f"SQLite の記録が WAL ではありません({facts.journal_mode})。",
            "ネットワーク上のフォルダーでは使えません。MADOGUCHI_DATABASE_URL を、この機械のディスクに移してください。",
        )
    elif facts.synchronous < SYNCHRONOUS_FULL or not facts.foreign_keys:
        yield error(
            "database.durability",
            "SQLite の synchronous が FULL でないか、foreign_keys が切れています。",
            "この版の madoguchi を入れ直してください。",
        )
    else:
        yield ok("database.durability", "SQLite: WAL、synchronous=FULL。停電でも、答えた記録は残ります。")


def postgresql(facts: PostgresFacts, settings: Settings) -> Iterator[Finding]:
    """Version, encoding, durability, room for all workers."""
    version = facts.version // 10_000
    if version < OLDEST_POSTGRESQL:
        yield error(
            "database.version",
            f"PostgreSQL {version} は古すぎます。",
            f"{OLDEST_POSTGRESQL} か、より新しい版にしてください。",
        )
    else:
        yield ok("database.version", f"PostgreSQL {version}.{facts.version % 10_000} です。")
    if facts.encoding != "UTF8":
        yield error(
            "database.encoding",
            f"データベースの文字コードが {facts.encoding} です。",
            "「CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0」で作り直してください。",
        )
    yield _durability(facts)
    needed = connections_needed(settings) + FOR_COMMANDS
    if facts.connections < needed:
        yield error(
            "database.connections",
            f"PostgreSQL の接続は {facts.connections} までですが、{settings.workers}つのプロセスには {needed} 要ります"
            f"(1つに 4×MADOGUCHI_AT_WORK+3、ほかのコマンドに {FOR_COMMANDS})。",
            f"max_connections を {needed + 5} 以上にするか、MADOGUCHI_AT_WORK か MADOGUCHI_WORKERS を小さくします。",
        )
    else:
        yield ok(
            "database.connections", f"接続は {facts.connections} まで。要るのは {needed}、今は {facts.others} です。"
        )


def clock(facts: SqliteFacts | PostgresFacts, before: datetime, after: datetime) -> Finding:
    """The database server's clock against this machine's: it was asked between `before` and `after`."""
    if isinstance(facts, SqliteFacts):
        return ok("clock.database", "データベースは、この機械の時刻で動きます。")
    differs = abs(facts.now - (before + (after - before) / 2))
    seconds = f"データベースの時計は、この機械と {differs.total_seconds():.1f} 秒違います。"
    remedy = "両方の機械の時計を、同じ時刻サーバーに合わせてください。"
    if differs - (after - before) / 2 > MUST_NOT_DIFFER:
        return error("clock.database", seconds, remedy)
    if differs - (after - before) / 2 > MAY_DIFFER:
        return warning("clock.database", seconds, remedy)
    return ok("clock.database", "データベースの時計は、この機械と合っています。")


def _durability(facts: PostgresFacts) -> Finding:
    if facts.in_recovery:
        return error(
            "database.durability",
            "つないだ PostgreSQL は待機系(standby)で、書き込めません。",
            "MADOGUCHI_DATABASE_URL を、主系に向けてください。",
        )
    off = [name for name, on in (("fsync", facts.fsync), ("full_page_writes", facts.full_page_writes)) if not on]
    if facts.synchronous_commit == "off":
        off.append("synchronous_commit")
    if off:
        return error(
            "database.durability",
            f"PostgreSQL の {'、'.join(off)} が off です。停電で、答えた記録が失われます。",
            "postgresql.conf で on にしてください。",
        )
    return ok("database.durability", "PostgreSQL: fsync、full_page_writes、synchronous_commit は on です。")
