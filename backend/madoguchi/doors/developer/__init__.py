"""For developers: in sandbox and production documentation and schemas; in the sandbox the sample aggregator and
GraphiQL too, which are real OAuth clients over loopback.
"""

from starlette.routing import Route

from madoguchi.doors.developer import schema_file
from madoguchi.doors.developer.context import Designation, DeveloperContext, keep_designation
from madoguchi.doors.developer.documentation import DocumentationContext
from madoguchi.doors.developer.documentation import routes as documentation_routes
from madoguchi.doors.developer.graphiql import RUN, refuse
from madoguchi.doors.developer.graphiql import routes as graphiql_routes
from madoguchi.doors.developer.sample import pages as sample

__all__ = [
    "RUN",
    "Designation",
    "DeveloperContext",
    "DocumentationContext",
    "keep_designation",
    "open_routes",
    "refuse",
    "sandbox_routes",
]


def open_routes(context: DocumentationContext) -> list[Route]:
    """Schemas and documentation, to stand after all other routes: any other address under /developer is theirs."""
    return [*schema_file.routes(), *documentation_routes(context)]


def sandbox_routes(context: DeveloperContext) -> list[Route]:
    """The routes of the sample and of GraphiQL. Raises ValueError in production, where nothing of it may be mounted."""
    if not context.settings.is_sandbox:
        raise ValueError("the sample aggregator is for the sandbox only")
    return [*sample.routes(context), *graphiql_routes(context)]
