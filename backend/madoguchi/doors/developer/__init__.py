"""Sandbox only: the sample aggregator, a real OAuth client over loopback, and the schema file for developers."""

from starlette.routing import Route

from madoguchi.doors.developer import schema_file
from madoguchi.doors.developer.context import Designation, DeveloperContext, keep_designation
from madoguchi.doors.developer.sample import pages as sample

__all__ = ["Designation", "DeveloperContext", "keep_designation", "routes"]


def routes(context: DeveloperContext) -> list[Route]:
    """The door's routes. Raises ValueError in production, where nothing of it may be mounted."""
    if not context.settings.is_sandbox:
        raise ValueError("the developer door is for the sandbox only")
    return [*schema_file.routes(), *sample.routes(context)]
