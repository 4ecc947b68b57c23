"""The sample's internet-banking events: contracts opened, accounts registered, and what happened to a few since.

Source: backend/sample/books.toml; the format is procedures/status_feed/events.py's.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from pydantic import TypeAdapter

from madoguchi.doors.core_banking.sample_customers import Books, SampleAccount, SampleCustomer, SampleEvent
from madoguchi.procedures.status_feed.events import StatusEvent
from madoguchi.rules.vocabulary import JST, AccountKind, Product

_EVENT: TypeAdapter[StatusEvent] = TypeAdapter(StatusEvent)
_OFFICE_OPENS = time(9, 0)


def sample_events(books: Books, until: date) -> list[StatusEvent]:
    """Every event of the books up to a day, numbered in the order of time: an event keeps its number for ever."""
    drafts = [draft for customer in books.customers for draft in _of_customer(books, customer)]
    drafts.sort(key=lambda draft: draft["time"])
    events = []
    for sequence, draft in enumerate(drafts, 1):
        if draft["time"].date() <= until:
            events.append(_EVENT.validate_python({**draft, "event_id": f"IB-{sequence:06d}", "sequence": sequence}))
    return events


def _of_customer(books: Books, customer: SampleCustomer) -> Iterator[dict[str, Any]]:
    common = {"customer_number": customer.number}
    moment = datetime.combine(customer.opened, _OFFICE_OPENS, JST)
    opened: set[Product] = set()
    for account in customer.accounts:
        product = customer.product_of(account)
        if product not in opened:
            opened.add(product)
            moment += timedelta(minutes=1)
            yield {
                **common,
                "time": moment,
                "kind": "contract.opened",
                "product": product,
                "customer_name": customer.name,
                "customer_kana": customer.kana,
                "mail_address": customer.mail_address,
                "phrase": customer.phrase,
            }
        if account.registered:
            moment += timedelta(minutes=1)
            yield {
                **common,
                "time": moment,
                "kind": "account.registered",
                "product": product,
                "account": _key(account),
                "branch_name": books.branches[account.branch].name,
                "branch_kana": books.branches[account.branch].kana,
                "holder_kana": customer.holder_of(account),
                "label": account.label,
            }
    for event in customer.events:
        yield {**common, "product": customer.product, **_later(customer, event)}


def _later(customer: SampleCustomer, event: SampleEvent) -> dict[str, Any]:
    draft: dict[str, Any] = {"time": datetime.combine(event.day, _OFFICE_OPENS, JST), "kind": event.kind}
    if event.account:
        draft["account"] = _key(next(one for one in customer.accounts if one.number == event.account))
    if event.mail_address:
        draft["mail_address"] = event.mail_address
    return draft


def _key(account: SampleAccount) -> dict[str, str | AccountKind]:
    return {"branch_code": account.branch, "kind": AccountKind(account.kind), "number": account.number}
