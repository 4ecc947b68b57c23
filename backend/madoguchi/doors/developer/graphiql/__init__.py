"""GraphiQL at /developer/graphiql, sandbox only: read the schema, write an operation, run it as the sample aggregator.

The editor runs in the browser; session, keys and tokens stay here. Its entry file and build are frontend/graphiql.
"""

from madoguchi.doors.developer.graphiql.pages import routes
from madoguchi.doors.developer.graphiql.running import RUN, refuse

__all__ = ["RUN", "refuse", "routes"]
