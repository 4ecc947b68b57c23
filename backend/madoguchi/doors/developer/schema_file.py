"""GET /developer/schema.graphql and status-feed.schema.json: the schemas, before anybody has signed in anywhere.

The GraphQL schema is the committed file (`schema.graphql`, compared with the code by a test): beside backend/ in a
clone, inside the package in a wheel. The status feed's JSON Schema is made from its models
(procedures/status_feed/schema.py).
"""

from functools import partial
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from madoguchi.procedures.status_feed.schema import status_feed_schema

PATH: Final = "/developer/schema.graphql"
STATUS_FEED_PATH: Final = "/developer/status-feed.schema.json"
FILE: Final = "schema.graphql"


def find_schema() -> Path:
    """Where the schema file is. Raises FileNotFoundError."""
    package = Path(__file__).parents[2]
    for folder in (package, package.parents[1]):
        if (folder / FILE).is_file():
            return folder / FILE
    raise FileNotFoundError(f"{FILE} is neither in the package nor in the clone")


def routes() -> list[Route]:
    """The file is read now, so that a build without it does not start."""
    graphql = partial(serve, find_schema().read_text("utf-8"), "text/plain")
    status_feed = partial(serve, status_feed_schema(), "application/schema+json")
    return [Route(PATH, graphql, methods=["GET"]), Route(STATUS_FEED_PATH, status_feed, methods=["GET"])]


async def serve(schema: str, media_type: str, request: Request) -> Response:
    """The schema as text, to read in a browser and to fetch with a tool."""
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return Response(schema, media_type=media_type, headers=headers)
