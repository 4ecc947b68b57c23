"""The Jinja environment: autoescape on, a missing value is an error, sentences marked for translation.

The sentences in the templates are the Japanese ones themselves. Another language is a catalogue that is installed
in place of the null translations; nothing else changes.
"""

from pathlib import Path
from typing import Any, ClassVar, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from madoguchi.doors.templating import words
from madoguchi.doors.templating.assets import Assets


class Model(Protocol):
    """A page model names the template that shows it; the template knows it as `page`."""

    template: ClassVar[str]


class Templates:
    """Templates and static files of one installation. Immutable after construction, safe for all requests."""

    def __init__(self, frontend: Path) -> None:
        """`frontend` holds templates/ and static/. Every template is compiled now, so a broken one stops the start."""
        self.assets = Assets.read(frontend / "static")
        self._environment = _environment(frontend / "templates", self.assets)
        for name in self._environment.list_templates():
            self._environment.get_template(name)

    def render(self, model: Model, **beside: Any) -> str:
        """The page as HTML text. `beside` is what the door adds to the model: frame, preferences."""
        return self._environment.get_template(model.template).render(page=model, **beside)


def find_frontend() -> Path:
    """Where frontend/ is: inside the package in a wheel, beside backend/ in a clone."""
    package = Path(__file__).parents[2]
    packed = package / "frontend"
    return packed if packed.is_dir() else package.parents[1] / "frontend"


def _environment(templates: Path, assets: Assets) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    environment.globals["static"] = assets.url
    environment.filters.update(words.FILTERS)
    return environment
