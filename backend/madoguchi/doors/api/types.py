"""The types of an answer: accounts, balances, rows of history, and what says how fresh and how complete they are.

Plain values fetched beforehand; a guarded field hands out what was prepared for it (guards.py). Meaning of the columns:
Zengin 03 and 04, `domain.md`. Not here, on purpose: any overdraft limit or credit figure (clause 4-3).
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

import strawberry

from madoguchi.doors.api.guards import ListSize, discloses, disclosing_type, keyed, prepared
from madoguchi.doors.api.words import (
    AccountType,
    Completeness,
    Direction,
    FeedSource,
    Order,
    Precision,
    TransactionKind,
    WindowLimit,
    Yen,
)
from madoguchi.rules.vocabulary import Scope

MAX_ROWS = 500
"""Rows a page can have: what peers give."""


def said(description: str, **options: Any) -> Any:
    """A field that is an attribute of its object; its guard, if any, is its type's."""
    return strawberry.field(description=description, **options)


def argument(description: str) -> Any:
    return strawberry.argument(description=description)


@strawberry.interface(description="Anything with an id of its own (識別子を持つもの).")
class Node:
    id: strawberry.ID = said(
        "Opaque id: stable for one aggregator across renewals, never the same for two aggregators."
    )


@strawberry.type(description="The credit union (当組合).")
class Institution:
    bank_code: str = said("Bank code (銀行コード), 4 digits.")
    name: str = said("Name (名称).")
    name_kana: str = said("Name in half-width kana (名称カナ).")


@disclosing_type(Scope.ACCOUNTS, description="The branch that keeps an account (取引店).", clause="4-3")
class Branch:
    code: str = said("Branch code (店番), 3 digits.")
    name: str = said("Name (店名).")
    name_kana: str = said("Name in half-width kana (店名カナ).")


@strawberry.type(
    description="How fresh and complete a value is (情報の基準時点). Show `asOf` to the customer (clause 6-1)."
)
class Freshness:
    as_of: datetime = said("The moment the value held (基準日時).")
    as_of_precision: Precision = said("How exact that moment is.")
    source: FeedSource = said("Where the value comes from.")
    completeness: Completeness = said("Whether later postings may be missing.")
    next_update_at: datetime | None = said(
        "When the next update is expected (次回更新予定). Null where the credit union keeps no timetable.", default=None
    )


@disclosing_type(
    Scope.BALANCES,
    description="Balances (残高) as the core banking system gave them; null where it gives none, never computed here.",
    clause="2-1-1",
)
class Balance:
    current: Yen = said("Ledger balance (現在残高) at `freshness.asOf`.")
    available: Yen | None = said("What can be paid out (支払可能残高).")
    previous_day: Yen | None = said("Balance of the day before (前日残高).")
    uncleared: Yen | None = said("Cheques in it that are not cleared yet (うち他店券残高).")
    freshness: Freshness = said("How fresh and complete it is.")


@disclosing_type(Scope.TRANSACTIONS, description="One row of the history (入出金明細).", clause="2-1-2")
class Transaction(Node):
    prepared: strawberry.Private[Mapping[str, Any]]
    booked_on: date = said("Booking date (勘定日).")
    order_in_day: int = said("Place among the rows of its booking date (明細順), the day's oldest first, from 0.")
    value_on: date = said("Value date (起算日).")
    direction: Direction = said("Deposit or withdrawal (入払区分).")
    kind: TransactionKind | None = said("Kind of transaction (取引区分). Null where the feed gives none.")
    amount: Yen = said("Amount (取引金額), always positive; `direction` has the sign.")
    description: str = said("Description (摘要), half-width kana folded to full width.")
    description_raw: str = said("Description (摘要) byte for byte as it came, in half-width kana.")
    counterparty: str | None = said("Name of the payer (振込依頼人名). On deposits only.")

    @discloses(
        Scope.BALANCES,
        description="Balance after this row (取引後残高). A token for history alone never sees it.",
        clause="2-1-1",
    )
    def balance_after(self, info: strawberry.Info) -> Yen | None:
        return prepared(self, info)  # type: ignore[no-any-return]

    @discloses(
        Scope.TRANSACTIONS,
        description="The row that this one corrects (訂正元の明細). Null where it cannot be told for certain.",
        clause="2-1-2",
        weight=1,
    )
    def corrects(self, info: strawberry.Info) -> "Transaction | None":
        return prepared(self, info)  # type: ignore[no-any-return]


@disclosing_type(Scope.TRANSACTIONS, description="A row with its cursor (明細とその位置).", clause="2-1-2")
class TransactionEdge:
    prepared: strawberry.Private[Mapping[str, Any]]
    cursor: str = said("Position of the row in this account's history; of no use in another account.")

    @keyed("The row.")
    def node(self, info: strawberry.Info) -> Transaction:
        return prepared(self, info)  # type: ignore[no-any-return]


@disclosing_type(Scope.TRANSACTIONS, description="Where a page stands (ページ情報).", clause="2-1-2")
class PageInfo:
    has_next_page: bool = said("Whether rows follow this page, in the order asked for.")
    has_previous_page: bool = said("Whether rows precede this page, in the order asked for.")
    start_cursor: str | None = said("Cursor of the page's first row. Null on an empty page.")
    end_cursor: str | None = said("Cursor of the page's last row. Null on an empty page.")


@disclosing_type(Scope.TRANSACTIONS, description="The days that a history really covers (提供期間).", clause="2-4")
class EffectivePeriod:
    from_: date = said("First day covered (開始日).", name="from")
    to: date = said("Last day covered (終了日). Before `from` when nothing asked for lies inside the window.")
    limited_by: list[WindowLimit] = said(
        "Whose limit cut what was asked for. Empty when nothing was cut.", directives=[ListSize(assumed_size=1)]
    )


@disclosing_type(
    Scope.TRANSACTIONS,
    description="Sums to check a page with (検算). A page's closing balance is the next newer page's opening balance.",
    clause="2-1-2",
)
class StatementCheck:
    prepared: strawberry.Private[Mapping[str, Any]]
    deposits: Yen = said("Sum of the page's deposits (入金額合計).")
    withdrawals: Yen = said("Sum of the page's withdrawals (出金額合計).")
    count: int = said("Number of the page's rows (件数).")

    @discloses(
        Scope.BALANCES,
        description="Balance before the page's oldest row (取引前残高). Null on an empty page.",
        clause="2-1-1",
    )
    def opening_balance(self, info: strawberry.Info) -> Yen | None:
        return prepared(self, info)  # type: ignore[no-any-return]

    @discloses(
        Scope.BALANCES,
        description="Balance after the page's newest row (取引後残高). Null on an empty page.",
        clause="2-1-1",
    )
    def closing_balance(self, info: strawberry.Info) -> Yen | None:
        return prepared(self, info)  # type: ignore[no-any-return]


@disclosing_type(Scope.TRANSACTIONS, description="A page of an account's history (入出金明細).", clause="2-1-2")
class TransactionConnection:
    prepared: strawberry.Private[Mapping[str, Any]]
    page_info: PageInfo = said("Where this page stands.")
    period: EffectivePeriod = said("The days covered, and what cut them (clause 2-4).")
    freshness: Freshness = said("How fresh and complete the history is (clause 6-1).")

    @keyed("The rows with their cursors.")
    def edges(self, info: strawberry.Info) -> list[TransactionEdge]:
        return prepared(self, info)  # type: ignore[no-any-return]

    @keyed("The rows.")
    def nodes(self, info: strawberry.Info) -> list[Transaction]:
        return prepared(self, info)  # type: ignore[no-any-return]

    @keyed("Sums of this page.")
    def statement(self, info: strawberry.Info) -> StatementCheck:
        return prepared(self, info)  # type: ignore[no-any-return]


@disclosing_type(Scope.ACCOUNTS, description="An account the customer chose to share (連携口座).", clause="2-2")
class Account(Node):
    prepared: strawberry.Private[Mapping[str, Any]]
    institution: Institution = said("The credit union that keeps it.")
    branch: Branch = said("The branch that keeps it (取引店).")
    type: AccountType = said("Kind of deposit (預金種目).")

    @discloses(
        Scope.ACCOUNTS,
        description="Account number (口座番号), 7 digits: where the contract lists it and the consent page showed it.",
        clause="4-3",
        item="number",
    )
    def number(self, info: strawberry.Info) -> str | None:
        return prepared(self, info)  # type: ignore[no-any-return]

    @discloses(
        Scope.ACCOUNTS,
        description="Holder's name in kana (口座名義カナ): where the contract lists it and the consent page showed it.",
        clause="4-3",
        item="holder",
    )
    def holder_kana(self, info: strawberry.Info) -> str | None:
        return prepared(self, info)  # type: ignore[no-any-return]

    @discloses(
        Scope.BALANCES,
        description="Balance in yen as of `freshness.asOf` (残高照会). Null, with an error, when it may not be shown.",
        clause="2-1-1",
        weight=1,
    )
    def balance(self, info: strawberry.Info) -> Balance | None:
        return prepared(self, info)  # type: ignore[no-any-return]

    @discloses(
        Scope.TRANSACTIONS,
        description="History (入出金明細照会) inside the data window of clause 2-4; exactly one of `first` and `last`.",
        clause="2-1-2",
        weight=10,
        sizes=ListSize(slicing_arguments=["first", "last"], sized_fields=["edges", "nodes"]),
    )
    def transactions(
        self,
        info: strawberry.Info,
        first: Annotated[int | None, argument("Rows from the start of the order, 1 to 500.")] = strawberry.UNSET,
        after: Annotated[str | None, argument("Only rows after this cursor.")] = strawberry.UNSET,
        last: Annotated[int | None, argument("Rows from the end of the order, 1 to 500.")] = strawberry.UNSET,
        before: Annotated[str | None, argument("Only rows before this cursor.")] = strawberry.UNSET,
        from_: Annotated[
            date | None, strawberry.argument(name="from", description="First booking day (勘定日), included.")
        ] = strawberry.UNSET,
        to: Annotated[date | None, argument("Last booking day (勘定日), included.")] = strawberry.UNSET,
        order: Annotated[Order, argument("Newest first, or oldest first.")] = Order.NEWEST_FIRST,
    ) -> TransactionConnection | None:
        return prepared(self, info)  # type: ignore[no-any-return]
