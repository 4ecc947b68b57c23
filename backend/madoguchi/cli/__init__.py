"""The `madoguchi` command: one module a subject. Here: the commands' order, and how each kind of failure ends.

Exit codes: 0 done, 1 not done (the sentence says why and what to do), 2 the command was not understood, 3 something
that was handed in was refused (blocks of a feed, an aggregator's details). Until officers have accounts the actor of
every act is `os-user:NAME`, by the real user of the process.
"""

import sys
from collections.abc import Sequence

import typer
from typer.exceptions import Abort, TyperException

from madoguchi.cli import (
    aggregators,
    customers,
    explaining,
    feeds,
    installing,
    institution,
    registrations,
    sandbox,
    schema,
    service,
    serving,
    stops,
    terms,
)
from madoguchi.cli.context import Office
from madoguchi.cli.failures import sentence_of
from madoguchi.cli.usage import misunderstanding
from madoguchi.cli.words import visible_lines
from madoguchi.clock import Clock, system_clock

app = typer.Typer(
    name="madoguchi",
    help="信用組合のAPI連携の窓口。環境変数がなければ、「make run」で動く見本の信用組合に対して働きます。",
    epilog="終了コード: 0 できました、1 できませんでした、2 使い方が違います、3 受け付けられない内容がありました。",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve")(serving.serve)
app.add_typer(installing.database, name="db")
app.add_typer(installing.keys, name="keys")
app.add_typer(institution.app, name="institution")
app.add_typer(terms.app, name="terms")
app.add_typer(feeds.app, name="feed")
app.add_typer(aggregators.app, name="aggregator")
app.add_typer(service.app, name="service")
app.add_typer(stops.app, name="stop")
app.add_typer(registrations.app, name="registration")
app.add_typer(customers.app, name="customer")
app.add_typer(sandbox.app, name="sandbox")
app.command("explain")(explaining.explain)
app.command("schema")(schema.schema)


def main(arguments: Sequence[str] | None = None, clock: Clock = system_clock) -> int:
    """Run one command and return its exit code; `arguments` are those of the process unless given."""
    try:
        asked = sys.argv[1:] if arguments is None else arguments
        code = app(asked or ["--help"], prog_name="madoguchi", standalone_mode=False, obj=Office(clock))
        return code if isinstance(code, int) else 0
    except Abort:
        print("やめました。", file=sys.stderr)
        return 1
    except TyperException as misunderstood:
        print(visible_lines(misunderstanding(misunderstood)), file=sys.stderr)
        return misunderstood.exit_code
    except Exception as failure:
        sentence, code = sentence_of(failure)
        print(visible_lines(sentence), file=sys.stderr)
        return code
