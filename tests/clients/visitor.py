"""A customer's browser in a few lines: cookies, redirects within the bank, and the forms of a page as they stand."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from urllib.parse import urljoin

import httpx


@dataclass
class Form:
    """One form: where it goes, what its fields hold, and which boxes can be ticked (name, value)."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[tuple[str, str]] = field(default_factory=list)

    def ticked(self, *names: str) -> list[tuple[str, str]]:
        """The fields, with every box of these names ticked."""
        return [*self.fields, *((name, value) for name, value in self.boxes if name in names)]


class Forms(HTMLParser):
    """The forms of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(attributes.get("action", "")))
        elif tag == "input" and self.forms and "name" in attributes:
            one = (attributes["name"], attributes.get("value", "on"))
            if attributes.get("type") != "checkbox":
                self.forms[-1].fields.append(one)
            elif "disabled" not in attributes:
                self.forms[-1].boxes.append(one)


class Visitor:
    """Goes where it is sent within `home`, and stops at the first address outside."""

    def __init__(self, home: str) -> None:
        self.home = home
        self._http = httpx.Client(timeout=30)
        self.page = ""
        self.url = ""

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def open(self, url: str) -> str:
        """GET; returns where it ends: a page's address, or the first one outside."""
        return self._follow(self._http.get(url))

    def submit(self, form: Form, fields: list[tuple[str, str]]) -> str:
        """POST a form of the current page."""
        body = str(httpx.QueryParams(fields))
        headers = {"content-type": "application/x-www-form-urlencoded", "origin": self.home}
        return self._follow(self._http.post(urljoin(self.url, form.action), content=body, headers=headers))

    def form(self, holding: str) -> Form:
        """The form of the current page that has a field of this name."""
        for form in Forms(self.page).forms:
            if holding in [name for name, _ in (*form.fields, *form.boxes)]:
                return form
        raise AssertionError(f"no form with {holding} on {self.url}:\n{self.text}")

    @property
    def text(self) -> str:
        """The page without its tags."""
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", self.page))

    def _follow(self, answer: httpx.Response) -> str:
        while answer.is_redirect:
            target = urljoin(str(answer.url), answer.headers["location"])
            if not target.startswith(self.home + "/") or target.startswith(self.home + "/outside"):
                return target
            answer = self._http.get(target)
        self.page, self.url = answer.text, str(answer.url)
        return self.url
