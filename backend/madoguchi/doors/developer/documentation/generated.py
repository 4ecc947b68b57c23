"""The parts of pages that are made from the code, by the name that a file asks for them with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Protocol

from madoguchi.doors.developer.documentation import error_reference, graphql_reference, status_feed_reference
from madoguchi.doors.developer.documentation.error_reference import Told
from madoguchi.doors.developer.documentation.markdown import Make
from madoguchi.doors.developer.documentation.models import Heading, Part, trusted
from madoguchi.doors.developer.documentation.settings_reference import settings_reference
from madoguchi.doors.developer.schema_file import find_schema
from madoguchi.doors.templating import Templates
from madoguchi.procedures.status_feed.schema import status_feed_schema


class Listed(Protocol):
    """A page model that is a part of a page."""

    template: ClassVar[str]

    @property
    def headings(self) -> tuple[Heading, ...]: ...


@dataclass(frozen=True, slots=True)
class FlowPicture:
    """The authorization flow drawn, with its text alternative; the template holds both."""

    template: ClassVar[str] = "developer/flow.html"
    headings: tuple[Heading, ...] = ()


PICTURES: Final = {"flow": FlowPicture}


def makes(docs: Path, templates: Templates, told: Told) -> Mapping[str, Make]:
    """Makers by name. Each reads what it shows when it is called."""

    def made(read: Callable[[], Listed]) -> Make:
        return lambda words: _part(templates, read())

    return {
        "graphql": made(lambda: graphql_reference.reference(find_schema().read_text("utf-8"))),
        "errors": made(lambda: error_reference.error_reference((docs / error_reference.FILE).read_text("utf-8"), told)),
        "settings": made(settings_reference),
        "status-feed": made(lambda: status_feed_reference.status_feed_reference(status_feed_schema())),
        "picture": lambda words: _part(templates, PICTURES[words]()),
    }


def _part(templates: Templates, model: Listed) -> Part:
    return Part(trusted(templates.render(model)), model.headings)
