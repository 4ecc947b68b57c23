"""The invented bank of the sample: branches, customers, accounts and patterns, as backend/sample/books.toml has them.

Strict: an unknown key or a pattern that nobody defined fails at once, with its place. How patterns become rows is
sample_patterns.py's subject.
"""

import tomllib
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from madoguchi.installation import sample_document
from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.rules.vocabulary import Product


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bank(_Strict):
    code: str
    kana: str


class Branch(_Strict):
    name: str
    kana: str


class Pattern(_Strict):
    """One way in which money moves; books.toml says what each key means."""

    days: tuple[int, ...] = ()
    months: tuple[int, ...] = tuple(range(1, 13))
    shift: Literal["before", "after"] = "after"
    chance: int = Field(default=0, ge=0, le=1000)
    banking_days: bool = False
    deposit: bool = Field(default=False, alias="in")
    kind: str
    text: Annotated[str, Field(max_length=20)]
    amount: int = Field(default=0, ge=0)
    spread: int = 0
    unit: int = Field(default=1, ge=1)
    counterparty: str | None = Field(default=None, alias="from")
    fee: int = 0
    corrected: bool = False
    levels: bool = False
    times: int = Field(default=1, ge=1, le=999)


class SampleAccount(_Strict):
    branch: str
    kind: str
    number: str
    label: str | None = None
    holder: str | None = None  # when it is not the customer's kana
    product: Product | None = None  # when it is not the customer's
    opening: int
    available: bool = False  # whether the feed gives 支払可能残高 for it
    registered: bool = True  # in internet banking
    recent_days: int | None = None  # for how many days its files tell; only where no day changes the balance
    patterns: tuple[str, ...]

    @property
    def key(self) -> AccountKey:
        return AccountKey(self.branch, self.kind, self.number)


class SampleEvent(_Strict):
    day: date
    kind: Literal["contract.suspended", "contract.cancelled", "account.frozen", "contact.changed"]
    account: str | None = None  # its number
    mail_address: str | None = None


class SampleCustomer(_Strict):
    number: str
    name: str
    kana: str
    product: Product
    opened: date
    remark: str
    phrase: str
    mail_address: str | None = None
    accounts: tuple[SampleAccount, ...]
    events: tuple[SampleEvent, ...] = ()

    def product_of(self, account: SampleAccount) -> Product:
        return account.product or self.product

    def holder_of(self, account: SampleAccount) -> str:
        return account.holder or self.kana


class Books(_Strict):
    """Everything invented, before any row is."""

    epoch: date
    bank: Bank
    branches: dict[str, Branch]
    patterns: dict[str, Pattern]
    customers: tuple[SampleCustomer, ...]

    def patterns_of(self, account: SampleAccount) -> list[tuple[str, Pattern]]:
        """In the account's order, which is the order of rows within a day."""
        return [(name, self.patterns[name]) for name in account.patterns]


def load_books() -> Books:
    """The books of the clone, or those inside an installed wheel."""
    return Books.model_validate(tomllib.loads(sample_document("books.toml").decode()))
