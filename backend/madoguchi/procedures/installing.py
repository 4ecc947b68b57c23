"""Opening an installation's database, and bringing it to the newest schema: what stands before every procedure."""

from madoguchi.records import upgrading
from madoguchi.records.database import Database
from madoguchi.settings import Settings

__all__ = ["Database", "is_upgraded", "open_database", "upgrade_database"]


def open_database(settings: Settings, pool_size: int = 8) -> Database:
    """The installation's database; nothing is connected before its first use. The caller closes it."""
    return Database(settings.database_url, pool_size)


async def upgrade_database(database: Database) -> bool:
    """Apply the migrations that are missing; False when none was."""
    if await is_upgraded(database):
        return False
    await upgrading.upgrade(database)
    return True


async def is_upgraded(database: Database) -> bool:
    """Whether this release can serve from it: all its migrations are applied, and perhaps a later release's as well."""
    return not await upgrading.is_behind(database)
