"""The types of delta sync: what is new in an account's history since an earlier answer (2-1-2, 2-4).

The descriptions are the whole protocol: an aggregator's developer reads nothing else.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import strawberry

from madoguchi.doors.api.guards import disclosing_type, keyed, prepared
from madoguchi.doors.api.types import EffectivePeriod, Freshness, Transaction, said
from madoguchi.rules.vocabulary import Scope


@disclosing_type(
    Scope.TRANSACTIONS, description="A row that the credit union withdrew (取り消された明細).", clause="2-1-2"
)
class RemovedTransaction:
    id: strawberry.ID = said("Id of the row (明細の識別子). It is never given to another row.")
    booked_on: date = said("Booking date (勘定日) that it had.")


@disclosing_type(
    Scope.TRANSACTIONS,
    description="What is new in an account's history (明細の差分), oldest change first. Take it over whole: delete "
    "`removed`, then store `added` and `corrected` by `id`, then `cursor`, and forget every row booked before "
    "`period.from`. With `hasMore` go on at once; without it you hold exactly the rows that `transactions` shows. "
    "Order them by `bookedOn` and `orderInDay`; take a `corrects` whose row you do not hold for null.",
    clause="2-1-2",
)
class TransactionChanges:
    prepared: strawberry.Private[Mapping[str, Any]]
    removed: list[RemovedTransaction] = said(
        "Rows that were withdrawn (取消). You may meet an id that you do not hold: ignore it."
    )
    cursor: str = said(
        "Where you stand now (続きの位置): the next `after`, also when nothing was new. Opaque, and of use for this "
        "account alone. An older cursor may be used again: you are told the same once more, as it is by then, and what "
        "came after."
    )
    has_more: bool = said("Whether more is waiting at this moment (続きの有無).")
    period: EffectivePeriod = said("The booking dates that you are told of: the data window (clause 2-4).")
    freshness: Freshness = said("How fresh and complete the history is (clause 6-1).")

    @keyed("Rows that you were not told of before (追加). Replace one that you hold all the same.")
    def added(self, info: strawberry.Info) -> list[Transaction]:
        return prepared(self, info)  # type: ignore[no-any-return]

    @keyed(
        "Rows that you were told of and that read differently now (変更): `balanceAfter`, `orderInDay` or `corrects`. "
        "Add one that you do not hold."
    )
    def corrected(self, info: strawberry.Info) -> list[Transaction]:
        return prepared(self, info)  # type: ignore[no-any-return]
