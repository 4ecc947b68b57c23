"""What comes from outside cannot write a line of its own into the log, nor turn a terminal around (security.md 13)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.cli.log import as_line


@pytest.mark.fault("log injection")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a\r\n{\"event\": \"forged\"}", id="a line of its own"),
        pytest.param("\x1b[2J\x1b[31m", id="a terminal's command"),
        pytest.param("\u202egnp.exe\u2066", id="reading direction turned around"),
        pytest.param("\x7f\x85\u2028\u2029\ufeff\u200b", id="unseen characters"),
    ],
)
def test_a_line_holds_printable_ascii_only_whatever_a_name_holds(name: str) -> None:
    line = as_line(None, "info", {"event": name, name: name})
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"event": name, name: name}


@given(st.text())
def test_what_was_logged_can_be_read_again(text: str) -> None:
    line = as_line(None, "info", {"event": text})
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"event": text}
