"""Running the service: hours and closures (2-1), stops (7-3), when feeds are due (6-1), and the facts made of them.

Every procedure here that changes a row also renews the derived body (`refresh_facts`), in the same transaction, so that
the next admission on any worker decides by it. Terms are procedures/terms.py.
"""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime

from sqlalchemy import or_
from sqlmodel import Session, col, select

from madoguchi.procedures.trail import record_act
from madoguchi.records.audit import Fact
from madoguchi.records.database import insert_new
from madoguchi.records.service import Closure, FeedDue, Holiday, Institution, ServiceHours, ServiceStop, TermsVersion
from madoguchi.rules import facts
from madoguchi.rules.facts import InstitutionFacts, Stop
from madoguchi.rules.suspension import in_force
from madoguchi.rules.vocabulary import DayType, Feed, FeedCovers, FeedDays, Product, StopTarget, TermsChange

OF_INSTITUTION = (StopTarget.ALL, StopTarget.FUNCTION, StopTarget.ACCOUNT_KIND, StopTarget.BRANCH)
"""Stops that concern everybody stand in the institution's body; the others are read per registration."""

SERVICE = "service"


class NotFound(LookupError):
    """What the officer named does not exist; the message says so in Japanese."""


def institution(session: Session) -> Institution:
    """The institution this installation serves. Raises NotFound before one is set up."""
    row = session.get(Institution, 1)
    if row is None:
        raise NotFound("この環境には、まだ金融機関が登録されていません。")
    return row


def institution_facts(session: Session) -> InstitutionFacts:
    """The body of facts in force, as stored."""
    fact = session.get_one(Fact, institution(session).facts_digest)
    return facts.load(InstitutionFacts, fact.body)


def refresh_facts(session: Session, at: datetime) -> None:
    """Make the institution's body anew from its rows, as of `at`, and store it under its digest.

    The institution's row is locked before the others are read: of two officers who change something at once the
    second reads what the first has committed.
    """
    session.flush()
    row = session.get(Institution, 1, with_for_update=True, populate_existing=True) or institution(session)
    row.facts_digest = store_fact(session, facts.canonical(facts_of_rows(session, row, at)))
    session.add(row)
    session.flush()


def store_fact(session: Session, body: str) -> str:
    """Keep a body under its digest, once."""
    digest = facts.digest(body)
    # One statement: two workers may meet the same new body at the same moment.
    session.execute(insert_new(session, Fact, [{"digest": digest, "body": body}], "digest"))
    return digest


def facts_of_rows(session: Session, row: Institution, at: datetime) -> InstitutionFacts:
    """The institution's facts read from the dated rows, in an order that does not depend on the database.

    What was over before `at` is left out: it decides nothing any more, and the bodies of its time are kept.
    """
    hours = session.exec(select(ServiceHours).order_by(col(ServiceHours.hours_id))).all()
    closures = session.exec(
        select(Closure).where(Closure.ends_at > at).order_by(col(Closure.starts_at), col(Closure.closure_id))
    ).all()
    stops = session.exec(
        select(ServiceStop)
        .where(col(ServiceStop.kind).in_(OF_INSTITUTION))
        .where(or_(col(ServiceStop.ends_at).is_(None), col(ServiceStop.ends_at) > at))
        .order_by(col(ServiceStop.stop_id))
    ).all()
    terms = session.exec(select(TermsVersion).order_by(col(TermsVersion.version))).all()
    feeds = session.exec(select(FeedDue).order_by(col(FeedDue.feed_due_id))).all()
    return InstitutionFacts(
        hours=tuple(
            facts.Hours(Product(h.product), DayType(h.day_type), h.opens, h.closes, h.valid_from, h.valid_until)
            for h in hours
        ),
        holidays=tuple(session.exec(select(col(Holiday.day)).order_by(col(Holiday.day)))),
        closures=tuple(facts.Closure(c.starts_at, c.ends_at) for c in closures),
        stops=tuple(stop_facts(stop) for stop in stops),
        terms=tuple(facts.Terms(t.version, t.effective_from, TermsChange(t.change)) for t in terms),
        history_months=row.history_months,
        excluded_products=tuple(row.excluded_products),
        feeds=tuple(
            facts.FeedDue(
                Feed(f.feed),
                FeedDays(f.days),
                f.due,
                FeedCovers(f.covers),
                f.unavailable_after,
                f.valid_from,
                f.valid_until,
            )
            for f in feeds
        ),
    )


def set_hours(session: Session, hours: Iterable[facts.Hours], actor: str, at: datetime) -> None:
    """Replace the calendar from each window's `valid_from` on; what held before keeps its dates (2-1)."""
    windows = list(hours)
    begins = min(window.valid_from for window in windows)
    for old in session.exec(select(ServiceHours)).all():
        if old.valid_from >= begins:
            session.delete(old)
        elif old.valid_until is None or old.valid_until > begins:
            old.valid_until = begins
    for w in windows:
        session.add(
            ServiceHours(
                product=w.product,
                day_type=w.day_type,
                opens=w.opens,
                closes=w.closes,
                valid_from=w.valid_from,
                valid_until=w.valid_until,
            )
        )
    record_act(session, at, actor, "hours.set", SERVICE, "2-1", valid_from=begins.isoformat(), windows=len(windows))
    refresh_facts(session, at)


def set_holidays(session: Session, days: Iterable[tuple[date, str]], actor: str, at: datetime) -> None:
    """Add or rename days on which internet banking keeps its holiday hours."""
    for day, name in days:
        session.merge(Holiday(day=day, name=name))
    record_act(session, at, actor, "holidays.set", SERVICE, "2-1")
    refresh_facts(session, at)


def remove_holidays(session: Session, days: Iterable[date], actor: str, at: datetime) -> list[date]:
    """Take days back from the holidays (2-1); returns those that were among them. Nothing is recorded without any."""
    rows = session.exec(select(Holiday).where(col(Holiday.day).in_(set(days))).order_by(col(Holiday.day))).all()
    for row in rows:
        session.delete(row)
    if rows:
        taken = [row.day.isoformat() for row in rows]
        record_act(session, at, actor, "holidays.removed", SERVICE, "2-1", days=taken)
        refresh_facts(session, at)
    return [row.day for row in rows]


def holidays_from(session: Session, first: date) -> list[tuple[date, str]]:
    """The holidays of internet banking from a day on, with their names (2-1)."""
    rows = session.exec(select(Holiday).where(Holiday.day >= first).order_by(col(Holiday.day))).all()
    return [(row.day, row.name) for row in rows]


def set_feeds(session: Session, dues: Iterable[facts.FeedDue], begins: date, actor: str, at: datetime) -> None:
    """Replace the timetable of all feeds from `begins` on; what held before keeps its dates (6-1).

    `begins` may lie in the past: then what was due since is judged by the new timetable. Without dues nothing is
    expected from then on.
    """
    lines = list(dues)
    if any(line.valid_from < begins for line in lines):
        raise ValueError("a timetable's lines hold from its beginning on")
    for old in session.exec(select(FeedDue)).all():
        if old.valid_from >= begins:
            session.delete(old)
        elif old.valid_until is None or old.valid_until > begins:
            old.valid_until = begins
    for line in lines:
        session.add(FeedDue(**asdict(line)))
    record_act(session, at, actor, "feeds.set", SERVICE, "6-1", valid_from=begins.isoformat(), lines=len(lines))
    refresh_facts(session, at)


def close_service(session: Session, until: datetime, reason: str, actor: str, at: datetime) -> None:
    """Close the service from `at` until before `until`, as a planned closing of the calendar (2-1)."""
    if until <= at:
        raise ValueError("a closure ends after it begins")
    session.add(Closure(starts_at=at, ends_at=until, reason=reason))
    record_act(session, at, actor, "service.closed", SERVICE, "2-1", until=until.isoformat(), reason=reason)
    refresh_facts(session, at)


def open_service(session: Session, actor: str, at: datetime) -> int:
    """End every closure that holds at `at`; returns how many. Hours outside the calendar stay closed."""
    held = session.exec(select(Closure).where(Closure.starts_at <= at, Closure.ends_at > at)).all()
    for closure in held:
        closure.ends_at = at
        session.add(closure)
    if held:
        record_act(session, at, actor, "service.opened", SERVICE, "2-1", closures=len(held))
        refresh_facts(session, at)
    return len(held)


def set_stop(
    session: Session,
    kind: StopTarget,
    target: str,
    starts_at: datetime,
    ends_at: datetime | None,
    review_on: date | None,
    reason: str,
    actor: str,
    at: datetime,
) -> int:
    """Stop the whole or a part of the service (7-3), now or later; returns the stop's number.

    An open end needs a date of review. Raises ValueError otherwise.
    """
    if ends_at is None and review_on is None:
        raise ValueError("a stop without an end needs a date of review")
    if ends_at is not None and ends_at <= starts_at:
        raise ValueError("a stop ends after it begins")
    stop = ServiceStop(
        kind=kind, target=target, starts_at=starts_at, ends_at=ends_at, review_on=review_on, reason=reason, set_by=actor
    )
    session.add(stop)
    session.flush()
    stop_id = stop_facts(stop).stop_id
    record_act(session, at, actor, "stop.set", f"stop:{stop_id}", "7-3", kind=kind, target=target, reason=reason)
    refresh_facts(session, at)
    return stop_id


def lift_stop(session: Session, stop_id: int, reason: str, actor: str, at: datetime) -> bool:
    """Lift a stop at `at` with the reason recorded (7-3); False when it is over already. Raises NotFound."""
    stop = session.get(ServiceStop, stop_id)
    if stop is None:
        raise NotFound(f"停止 {stop_id} はありません。")
    if stop.ends_at is not None and stop.ends_at <= at:
        return False
    stop.ends_at = at
    session.add(stop)
    record_act(session, at, actor, "stop.lifted", f"stop:{stop_id}", "7-3", reason=reason)
    refresh_facts(session, at)
    return True


def stops_now(session: Session, at: datetime) -> list[ServiceStop]:
    """Every stop in force or still to come, of any reach, oldest first."""
    rows = session.exec(select(ServiceStop).order_by(col(ServiceStop.stop_id))).all()
    return [row for row in rows if row.starts_at > at or in_force(at, stop_facts(row))]


def stops_for(
    session: Session,
    aggregator_id: str | None = None,
    customer_id: int | None = None,
    registration_id: str | None = None,
) -> tuple[Stop, ...]:
    """The stops of one aggregator, customer or registration, as facts; the institution's own are in its body."""
    reach = {
        StopTarget.AGGREGATOR: aggregator_id,
        StopTarget.CUSTOMER: None if customer_id is None else str(customer_id),
        StopTarget.REGISTRATION: registration_id,
    }
    rows = session.exec(
        select(ServiceStop)
        .where(col(ServiceStop.kind).in_(reach), col(ServiceStop.target).in_([v for v in reach.values() if v]))
        .order_by(col(ServiceStop.stop_id))
    ).all()
    return tuple(stop_facts(row) for row in rows if reach[StopTarget(row.kind)] == row.target)


def stop_facts(stop: ServiceStop) -> Stop:
    """A stop's row, already numbered by the database, as a fact."""
    if stop.stop_id is None:
        raise ValueError("flush the stop first")
    return Stop(stop.stop_id, StopTarget(stop.kind), stop.target, stop.starts_at, stop.ends_at)
