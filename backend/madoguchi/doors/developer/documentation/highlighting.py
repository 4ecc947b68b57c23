"""Colours in code blocks: comments, strings and the words of a language, enough to read by.

Not a parser: what it does not know stays plain. A library would bring five hundred languages for the six used here.
"""

import re
from types import MappingProxyType
from typing import Final

from markupsafe import Markup, escape

_C_STRING: Final = r'"(?:[^"\\\n]|\\.)*"'
_PYTHON_STRING: Final = rf"[fbr]*\"\"\"[\s\S]*?\"\"\"|[fbr]*{_C_STRING}|[fbr]*'(?:[^'\\\n]|\\.)*'"
_SCRIPT_STRING: Final = rf"{_C_STRING}|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`"
_PYTHON: Final = (
    "and as assert async await class def del elif else except False finally for from if import in is lambda None not "
    "or pass raise return True try while with yield"
)
_SCRIPT: Final = (
    "as async await break case catch class const continue else export false finally for from function if import in let "
    "new null of return throw true try undefined while"
)
_GRAPHQL: Final = "directive enum extend fragment implements input interface mutation on query scalar schema type union"

# A field may be called `type` or `on`: the words of the language begin a line there.
_LANGUAGES: Final = MappingProxyType(
    {
        # language: comment, string, words
        "python": (r"#[^\n]*", _PYTHON_STRING, _PYTHON),
        "javascript": (r"//[^\n]*|/\*[\s\S]*?\*/", _SCRIPT_STRING, _SCRIPT),
        "graphql": (r"#[^\n]*", rf'"""[\s\S]*?"""|{_C_STRING}', _GRAPHQL),
        "json": (r"(?!)", _C_STRING, "true false null"),
        "sh": (r"(?<![^\s])#[^\n]*", rf"{_C_STRING}|'[^'\n]*'", ""),
        "http": (r"(?!)", r"(?m:^[\w-]+(?=:))", "GET POST HTTP"),
        "toml": (r"#[^\n]*", rf"{_C_STRING}|(?m:^\[.*\]$)", "true false"),
        "text": (r"(?!)", r"(?!)", ""),
    }
)
SUFFIXES: Final = MappingProxyType(
    {
        ".py": "python",
        ".mjs": "javascript",
        ".graphql": "graphql",
        ".json": "json",
        ".sh": "sh",
        ".toml": "toml",
    }
)
"""How a file's name ends, and its language."""


def highlighted(code: str, language: str) -> Markup:
    """The code as HTML. Raises ValueError for a language that is not in the table."""
    if language not in _LANGUAGES:
        raise ValueError(f"no such language in a code block: {language!r} (there are {', '.join(_LANGUAGES)})")
    comment, string, words = _LANGUAGES[language]
    start = "(?m:^)" if language == "graphql" else r"\b"
    word = rf"{start}(?:{'|'.join(words.split())})\b" if words else "(?!)"
    made, end = Markup(""), 0
    for found in re.finditer(f"(?P<c>{comment})|(?P<s>{string})|(?P<k>{word})", code):
        made += escape(code[end : found.start()])
        made += Markup('<span class="{}">{}</span>').format(found.lastgroup, found[0])
        end = found.end()
    return made + escape(code[end:])
