"""GET /developer/schema.graphql: the schema as aggregators read it, before anybody has signed in anywhere.

The file is the committed one (`schema.graphql`, compared with the code by a test): beside backend/ in a clone, inside
the package in a wheel.
"""

from functools import partial
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

PATH: Final = "/developer/schema.graphql"
FILE: Final = "schema.graphql"


def find_schema() -> Path:
    """Where the schema file is. Raises FileNotFoundError."""
    package = Path(__file__).parents[2]
    for folder in (package, package.parents[1]):
        if (folder / FILE).is_file():
            return folder / FILE
    raise FileNotFoundError(f"{FILE} is neither in the package nor in the clone")


def routes() -> list[Route]:
    """One route; the file is read now, so that a build without it does not start."""
    return [Route(PATH, partial(serve, find_schema().read_text("utf-8")), methods=["GET"])]


async def serve(schema: str, request: Request) -> Response:
    """The file as plain text, to read in a browser and to fetch with a tool."""
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return PlainTextResponse(schema, headers=headers)
