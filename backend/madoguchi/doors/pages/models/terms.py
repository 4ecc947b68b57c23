"""A terms document as pages show it: articles, clauses, items, and the key points of the consent page.

Source: the stored document itself (TOML, byte for byte as it was agreed to; its digest is taken elsewhere).
No wording of terms stands in code: the risks of 第4条第7項 are that clause's own text.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class TermsClause:
    """項: its text, the items (号) that follow, and the words after them."""

    number: int
    text: str
    items: tuple[str, ...] = ()
    tail: str = ""


@dataclass(frozen=True, slots=True)
class TermsArticle:
    number: int
    title: str
    clauses: tuple[TermsClause, ...]


@dataclass(frozen=True, slots=True)
class KeyPoint:
    """One important point in plain words. `{aggregator}` and `{history}` are filled when it is shown."""

    clauses: str
    text: str
    in_sight: bool


@dataclass(frozen=True, slots=True)
class TermsDocument:
    """One version, named by its date, never by a number."""

    title: str
    institution: str
    as_of: date
    is_sample: bool
    articles: tuple[TermsArticle, ...]
    key_points: tuple[KeyPoint, ...] = ()

    @classmethod
    def parse(cls, body: bytes) -> "TermsDocument":
        """Read a stored document. Raises ValueError (TOML) or KeyError (a missing part)."""
        data = tomllib.loads(body.decode())
        return cls(
            title=data["title"],
            institution=data["institution"],
            as_of=data["as_of"],
            is_sample=data.get("sample", False),
            articles=tuple(_article(article) for article in data["articles"]),
            key_points=tuple(
                KeyPoint(point["clauses"], point["text"], point.get("in_sight", False))
                for point in data.get("key_points", ())
            ),
        )

    @property
    def points_in_sight(self) -> tuple[KeyPoint, ...]:
        return tuple(point for point in self.key_points if point.in_sight)

    @property
    def further_points(self) -> tuple[KeyPoint, ...]:
        return tuple(point for point in self.key_points if not point.in_sight)

    def clause(self, article: int, number: int) -> TermsClause:
        """第`article`条第`number`項. Raises KeyError when the document has none."""
        for found in self.articles:
            if found.number == article:
                for clause in found.clauses:
                    if clause.number == number:
                        return clause
        raise KeyError(f"{article}-{number}")


def _article(data: Mapping[str, Any]) -> TermsArticle:
    clauses = tuple(
        TermsClause(clause["number"], clause["text"], tuple(clause.get("items", ())), clause.get("tail", ""))
        for clause in data["clauses"]
    )
    return TermsArticle(data["number"], data["title"], clauses)


@dataclass(frozen=True, slots=True)
class ArticleChange:
    """One article that differs between two versions; `before` or `after` is empty where it is new or gone."""

    number: int
    heading: str
    before: str
    after: str


def changed_articles(before: TermsDocument, after: TermsDocument) -> tuple[ArticleChange, ...]:
    """第9条第1項: the articles whose title or wording differs, in the order of their numbers."""
    old = {article.number: article for article in before.articles}
    new = {article.number: article for article in after.articles}
    changes = []
    for number in sorted(old.keys() | new.keys()):
        if old.get(number) == new.get(number):
            continue
        title = (new.get(number) or old[number]).title
        heading = f"第{number}条 {title}"
        changes.append(ArticleChange(number, heading, _plain(old.get(number)), _plain(new.get(number))))
    return tuple(changes)


def _plain(article: TermsArticle | None) -> str:
    if article is None:
        return ""
    return " ".join(f"{clause.number}. {clause.text}{_items(clause)}{clause.tail}" for clause in article.clauses)


def _items(clause: TermsClause) -> str:
    return "".join(f"（{at}）{item}" for at, item in enumerate(clause.items, 1))
