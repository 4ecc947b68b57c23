"""API連携事業者: designated aggregators with their contracts and keys (1-2-2).

Contract data (purposes, processors, contact) is what pages show; nothing of it ever comes from a request.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from madoguchi.records.database import Moment


class Aggregator(SQLModel, table=True):
    """One aggregator. `client_id` is made by us, in a format of its own, and so never passes for a customer's id."""

    aggregator_id: str = Field(primary_key=True)
    client_id: str = Field(unique=True)
    name: str  # service name: みほん家計簿
    company: str  # 株式会社みほん家計簿
    registration_number: str  # 電子決済等代行業者の登録番号
    jwks: dict[str, Any] = Field(sa_type=JSON)
    redirect_uris: list[str] = Field(sa_type=JSON)
    return_origins: list[str] = Field(default_factory=list, sa_type=JSON)  # further origins of the redirect chain (CSP)
    scopes: list[str] = Field(sa_type=JSON)
    identifiers: list[str] = Field(default_factory=list, sa_type=JSON)  # rules.disclosure.IDENTIFIERS it may be given
    purposes: dict[str, str] = Field(default_factory=dict, sa_type=JSON)  # scope -> 使いみち
    data_processors: list[dict[str, str]] = Field(default_factory=list, sa_type=JSON)  # name, role: 情報の預け先
    complaint_contact: str = ""
    history_days: int | None = None  # narrows 2-4
    contract_from: datetime = Field(sa_type=Moment)
    contract_until: datetime | None = Field(default=None, sa_type=Moment)
    added_at: datetime = Field(sa_type=Moment)
