"""From a Markdown file to the parts of a page: headings with stable ids, boxes for code and tables, Japanese marked.

Source: CommonMark, with tables. HTML in a file is text. What a line in braces stands for is given by the caller; how
files are written is told in this package's `__init__`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from madoguchi.doors.developer.documentation.highlighting import highlighted
from madoguchi.doors.developer.documentation.models import CodeBlock, Heading, Part, Written, trusted

Make = Callable[[str], Part]
"""Makes the part that a line in braces asks for, from the words after its name. Raises ValueError."""

_DIRECTIVE: Final = re.compile(r"\{([a-z-]+)(?: ([^{}]+))?\}")
_EXPLICIT_ID: Final = re.compile(r"(.*?)\s*\{#([\w.-]+)\}")
_MARK: Final = re.compile(r"^(?:run|serve|shown): ")
"""What the tests do with a block of commands: run it, let it serve, or leave it, with the reason as its heading."""
_JAPANESE: Final = r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]"
_RUN: Final = re.compile(f"{_JAPANESE}+(?:[0-9]+{_JAPANESE}+)*")


class BadPage(ValueError):
    """A file that breaks the conventions; the message says which one and where."""


def japanese(words: str) -> Markup:
    """Plain words as HTML, runs of Japanese marked with their language."""
    return trusted(_RUN.sub(r'<span lang="ja">\g<0></span>', str(escape(words))))


def breakable(name: str) -> Markup:
    """A long name in capitals, which may break after its underscores."""
    return escape(name).replace("_", Markup("_<wbr>"))


def words_of(text: str) -> Markup:
    """A description: Japanese marked, `…` as code."""
    return Markup("").join(
        Markup("<code>{}</code>").format(japanese(part)) if at % 2 else japanese(part)
        for at, part in enumerate(text.split("`"))
    )


@dataclass(frozen=True, slots=True)
class Writer:
    """Renders files. `show` renders a code block; `makes` are the parts by name; `link` resolves an address."""

    show: Callable[[CodeBlock], str]
    makes: Mapping[str, Make]
    link: Callable[[str], str]
    mode: str
    markdown: MarkdownIt = field(default_factory=lambda: MarkdownIt("commonmark", {"html": False}).enable("table"))

    def write(self, text: str) -> Written:
        """The file's parts. Raises BadPage."""
        tokens = self._for_this_mode(self.markdown.parse(text))
        if len(tokens) < 6 or tokens[0].tag != "h1" or tokens[3].type != "paragraph_open":
            raise BadPage("a file begins with `# Heading` and a paragraph")
        rest = tokens[6:]
        if any(token.tag == "h1" for token in rest):
            raise BadPage("there is one `#` heading in a file")
        parts = list(self._parts(rest))
        headings = tuple(heading for part in parts for heading in part.headings)
        ids = [heading.id for heading in headings]
        if twice := {name for name in ids if ids.count(name) > 1}:
            raise BadPage(f"headings with one id: {sorted(twice)}")
        body = Markup("\n").join(part.html for part in parts)
        return Written(self._inline(tokens[1]), self._inline(tokens[4]), body, headings)

    def _for_this_mode(self, tokens: Sequence[Token]) -> list[Token]:
        """Without what stands between `{only …}` and `{end}` for the other mode."""
        kept: list[Token] = []
        leaving_out = inside = False
        for at in _blocks(tokens):
            name, words = _directive(tokens[at])
            if name == "only":
                if words not in ("sandbox", "production") or inside:
                    raise BadPage("{only sandbox} or {only production}, and {end} before the next")
                leaving_out, inside = words != self.mode, True
            elif name == "end":
                if not inside:
                    raise BadPage("{end} without {only …}")
                leaving_out = inside = False
            elif not leaving_out:
                kept += tokens[at]
        if inside:
            raise BadPage("{only …} without {end}")
        return kept

    def _parts(self, tokens: Sequence[Token]) -> Iterator[Part]:
        for at in _blocks(tokens):
            block = tokens[at]
            name, words = _directive(block)
            if name:
                if name not in self.makes:
                    raise BadPage(f"nothing is called {{{name}}}")
                yield self.makes[name](words)
            elif block[0].type == "heading_open":
                yield self._heading(block)
            elif block[0].type == "fence":
                yield self._code(block[0])
            else:
                yield Part(self._rendered(block))

    def _heading(self, block: Sequence[Token]) -> Part:
        level, inline = int(block[0].tag[1]), block[1]
        explicit = _EXPLICIT_ID.fullmatch(inline.content)
        if explicit is not None:
            inline = self.markdown.parseInline(explicit[1])[0]
        name = explicit[2] if explicit else "-".join(re.findall(r"[a-z0-9]+", inline.content.lower()))
        if not name:
            raise BadPage(f"a heading without English words needs an id: {inline.content}")
        words = self._inline(inline)
        html = Markup('<h{} id="{}">{}</h{}>').format(level, name, words, level)
        return Part(html, (Heading(level, name, words),) if level <= 3 else ())

    def _code(self, token: Token) -> Part:
        language, _, heading = token.info.partition(" ")
        heading = _MARK.sub("", heading)
        if not heading:
            raise BadPage(f"a code block has a language and a heading: {token.content[:40]!r}")
        name = f"code-{token.map[0] if token.map else 0}"
        return Part(trusted(self.show(CodeBlock(name, words_of(heading), highlighted(token.content, language)))))

    def _rendered(self, block: Sequence[Token]) -> Markup:
        tokens = list(self._marked(block))
        html = self.markdown.renderer.render(tokens, self.markdown.options, {})
        if block[0].type == "table_open":
            html = html.replace("<th></th>", "<td></td>")  # a corner heads nothing
            columns = sum(token.type == "th_open" for token in block)
            wide = " wide" if columns > 2 else ""
            html = f'<div class="table-box{wide}" tabindex="0" role="group" aria-label="Table">\n{html}</div>\n'
        elif block[0].type == "blockquote_open":
            html = html.replace("<blockquote>", '<div class="note-box">').replace("</blockquote>", "</div>")
        return trusted(html)

    def _inline(self, token: Token) -> Markup:
        return trusted(self.markdown.renderer.render(list(self._marked([token])), self.markdown.options, {}))

    def _marked(self, tokens: Sequence[Token]) -> Iterator[Token]:
        """The tokens with addresses resolved and Japanese marked; of a link that leads nowhere here, the words."""
        unlinked = False
        for token in tokens:
            if token.type in ("text", "code_inline"):
                words = japanese(token.content)
                html = Markup("<code>{}</code>").format(words) if token.type == "code_inline" else words
                yield Token("html_inline", "", 0, content=html)
                continue
            if token.type in ("fence", "code_block"):
                raise BadPage("code blocks stand by themselves, not in a list or a quote")
            if token.type == "link_open":
                token.attrs["href"] = self.link(str(token.attrs["href"]))
                unlinked = not token.attrs["href"]
            if token.type in ("link_open", "link_close") and unlinked:
                continue
            if token.children is not None:
                token.children = list(self._marked(token.children))
            yield token


def _blocks(tokens: Sequence[Token]) -> Iterator[slice]:
    """Where each outermost block stands."""
    depth = start = 0
    for at, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            yield slice(start, at + 1)
            start = at + 1


def _directive(block: Sequence[Token]) -> tuple[str, str]:
    """Name and words of a line in braces, else two empty texts."""
    found = None
    if block[0].type == "paragraph_open":
        found = _DIRECTIVE.fullmatch(block[1].content)
    return (found[1], found[2] or "") if found else ("", "")
