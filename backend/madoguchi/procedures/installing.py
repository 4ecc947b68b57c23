"""Opening an installation's database, and bringing it to the newest schema: what stands before every procedure."""

from madoguchi.records import upgrading
from madoguchi.records.database import Database
from madoguchi.settings import Settings

__all__ = ["Database", "is_upgraded", "open_database", "open_for_a_glance", "upgrade_database"]

GLANCE_WAIT = 0.2
"""Seconds."""


def open_database(settings: Settings, pool_size: int = 8) -> Database:
    """The installation's database; nothing is connected before its first use. The caller closes it."""
    return Database(settings.database_url, pool_size)


def open_for_a_glance(settings: Settings) -> Database:
    """The same for one short look: nothing is written, and no lock is waited for."""
    url = settings.database_url
    if settings.is_sqlite:
        url = url.replace(":///", ":///file:", 1) + "?mode=ro&uri=true"
    return Database(url, pool_size=1, lock_wait=GLANCE_WAIT)


async def upgrade_database(database: Database) -> bool:
    """Apply the migrations that are missing; False when none was."""
    if await is_upgraded(database):
        return False
    await upgrading.upgrade(database)
    return True


async def is_upgraded(database: Database) -> bool:
    """Whether this release can serve from it: all its migrations are applied, and perhaps a later release's as well."""
    return not await upgrading.is_behind(database)
