"""Quotas are counted across workers and restarts. Expand only: the release before counts nothing and goes on."""

import sqlalchemy as sa
from alembic import op

from madoguchi.records.database import Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PHASE = "expand"


def upgrade() -> None:
    op.create_table(
        "quota_use",
        sa.Column("counter", sa.String(), primary_key=True),
        sa.Column("part", sa.String(), primary_key=True),
        sa.Column("worker", sa.String(), primary_key=True),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("kept_until", Moment(), nullable=False, index=True),
    )


def downgrade() -> None:
    op.drop_table("quota_use")
