"""The types that answer at any hour: the service itself, this registration, and the end of it.

They hold no customer data and so carry no guard (the closed list is in tests/api/test_schema.py).
Source: clauses 2-1 (hours), 6-1 (feeds), 7-3 (stops), 9-1 (terms), 4-1 (registration), 5-1 (its end).
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import strawberry

from madoguchi.doors.api.guards import ListSize, discloses, prepared
from madoguchi.doors.api.types import Account, Institution, said
from madoguchi.doors.api.words import AccountType, FeedSource, Scope, StopReach, WindowLimit
from madoguchi.rules import vocabulary

CALENDAR_DAYS = 14
"""How many days `Service.calendar` shows, today included."""


def listed(description: str, size: int) -> Any:
    return said(description, directives=[ListSize(assumed_size=size)])


@strawberry.type(description="Open from `opens` until before `closes` (サービス時間帯).")
class OpenHours:
    opens: datetime = said("First moment (開始).")
    closes: datetime = said("First moment after (終了).")


@strawberry.type(description="One day of the service calendar (サービスカレンダー), planned closures not taken out.")
class ServiceDay:
    day: date = said("The day.")
    hours: list[OpenHours] = listed("Its open hours. Empty on a closed day.", 2)


@strawberry.type(description="A planned closing inside the hours (計画休止): maintenance, year end.")
class PlannedClosure:
    starts_at: datetime = said("First closed moment.")
    ends_at: datetime = said("First moment after.")


@strawberry.type(description="A temporary stop of the service or of a part of it (一時停止; clause 7-3).")
class ServiceStop:
    reach: StopReach = said("What it reaches.")
    scope: Scope | None = said("The function, where one is stopped.")
    account_type: AccountType | None = said("The kind of deposit, where one is stopped.")
    branch_code: str | None = said("The branch code (店番), where one branch is stopped.")
    starts_at: datetime = said("Since when, or from when.")
    ends_at: datetime | None = said("Until when. Null when nobody can say yet.")


@strawberry.type(description="A version of the credit union's API terms of use (API利用規定; clause 9-1).")
class TermsVersion:
    version: date = said("The date that names it.")
    effective_from: datetime = said("From when it holds (適用開始).")


@strawberry.type(
    description="What the core banking system sends (勘定系からの連携), and whether it came when due (clause 6-1)."
)
class Feed:
    source: FeedSource = said("Which notice.")
    as_of: datetime | None = said("The newest moment it has told of (基準日時). Null before the first.")
    received_at: datetime | None = said("When that came (受信日時).")
    expected_as_of: datetime | None = said(
        "The moment up to which it should have told by now. Null where nothing was due yet, or there is no timetable."
    )
    late: bool = said("Whether something that was due has not come yet (連携の遅れ).")
    late_since: datetime | None = said("When the oldest of what has not come was due.")
    unavailable: bool = said("So late that its values are withheld with `DATA_UNAVAILABLE` (提供の見合わせ).")
    next_due_at: datetime | None = said("By when news is due (次回連携予定). Null where there is no timetable.")


@strawberry.type(description="The service: open or not, and what is coming. Answers outside the service hours too.")
class Service:
    institution: Institution = said("The credit union.")
    open: bool = said("Whether it is inside the service hours now (clause 2-1). A stop can still withhold a part.")
    next_change_at: datetime | None = said("When it next opens or closes. Null when no change is known.")
    calendar: list[ServiceDay] = listed("The hours of today and the 13 days after (clause 2-1).", CALENDAR_DAYS)
    closures: list[PlannedClosure] = listed("Planned closings that are not over.", 5)
    stops: list[ServiceStop] = listed("Stops that are not over (clause 7-3).", 5)
    terms: TermsVersion = said("The terms in force.")
    coming_terms: list[TermsVersion] = listed("Terms that have been announced.", 2)
    feeds: list[Feed] = listed("How fresh the credit union's data is (clause 6-1).", 2)


@strawberry.type(description="How far back history is given (提供期間; clause 2-4).")
class DataWindow:
    from_: date = said("First day given.", name="from")
    to: date = said("Last day given: today in Japan.")
    limit: WindowLimit = said("Whose limit set the first day.")


@strawberry.type(description="What this token may do (API連携認証, 利用登録; clause 4-1).")
class Registration:
    prepared: strawberry.Private[Mapping[str, Any]]
    scopes: list[Scope] = listed("What the customer agreed to share and this token carries.", 3)
    since: datetime = said("When the registration was completed (登録日時).")
    until: datetime = said("First moment at which it no longer serves (有効期限).")
    last_day: date = said("The last day in Japan on which it serves: what the customer was told.")
    renewable_from: datetime = said("From when the customer may be asked to register again without a gap.")
    terms_agreed: date = said("The version of the terms that the customer agreed to.")
    terms_in_force: date = said("The version that applies now (clause 9-1).")
    data_window: DataWindow = said("How far back history is given.")

    @discloses(
        vocabulary.Scope.ACCOUNTS,
        description="The accounts the customer chose, as far as they may be shown now (連携口座).",
        clause="2-2",
        sizes=ListSize(assumed_size=10),
    )
    def accounts(self, info: strawberry.Info) -> list[Account] | None:
        return prepared(self, info)  # type: ignore[no-any-return]


@strawberry.type(description="The end of a registration (利用停止; clause 5-1).")
class RegistrationEnd:
    ended_at: datetime = said("When it ended. Every token of it is dead from then on.")
