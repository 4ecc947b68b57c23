"""Alembic migrations, run by `madoguchi db upgrade` and at the start of the sandbox."""
