"""Every table of the house in one metadata: what migrations compare themselves with."""

from sqlalchemy import MetaData
from sqlmodel import SQLModel

from madoguchi.records import aggregators, audit, bank, login, quotas, registrations, service

TABLE_MODULES = (aggregators, audit, bank, login, quotas, registrations, service)


def metadata() -> MetaData:
    """The metadata that importing the table modules has filled."""
    return SQLModel.metadata
