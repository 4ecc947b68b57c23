"""All pages of the manual, by the words of their command."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from madoguchi.cli.manual import Page, developer, institution, officer, operator

PAGES: Final[Mapping[str, Page]] = MappingProxyType(
    {**officer.PAGES, **institution.PAGES, **operator.PAGES, **developer.PAGES}
)
