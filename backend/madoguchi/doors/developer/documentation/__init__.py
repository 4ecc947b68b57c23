"""Documentation at /developer: what an aggregator's and an institution's developer reads, in sandbox and production.

Words are Markdown in `frontend/docs`, everything that the code knows better is made from the code, once at start; a
page that cannot be made stops the start. No JavaScript. The sample and GraphiQL are other rooms.

How a page is written
- `frontend/docs/contents.toml` lists every page: name (its file `NAME.md`, its address `/developer/NAME`), title in the
  menu, what it is about. Order there is the order of the menu and of previous and next.
- A file begins with `# Heading`; the first paragraph is the lead. Sections are `##` and `###`. The id of a heading is
  its words (`## When to retry` is `#when-to-retry`), or what is written: `## When to retry {#retry}`.
- A link to another page is `[words](errors.md#CODE)`; to a file or a page beside, its path
  (`/developer/schema.graphql`).
  A link to `/sample` or GraphiQL is shown as its words alone in production.
- A code block has a heading after its language: ```` ```python A proof for one request ````. A block quote is a note.
  A block of commands says before it what the tests do: ```` ```sh run: Heading ````, `serve: Heading` or, as heading,
  the reason why not: `shown: Where they are not installed yet` (tests/support/readme.py).
- Japanese stands beside the English as it is; it is marked for screen readers by itself.
- Write the sandbox's own address, `http://127.0.0.1:8000`: it is shown as this installation's issuer.
- A line of its own in braces is a part made elsewhere:
    {include recipes/quickstart.py}         a file under frontend/docs, as a block, with its download
    {include recipes/quickstart.py#proof}   of it the lines between `[proof]` and `[/proof]` in comments
    {only sandbox} … {end}                  left out in production ({only production}: in the sandbox)
    {picture flow}, {graphql}, {errors}, {settings}, {status-feed}
- Files of `recipes/` and `operations/` are downloads at `/developer/recipes/FILE` and `/developer/operations/FILE`.
"""

from madoguchi.doors.developer.documentation.pages import DocumentationContext, routes

__all__ = ["DocumentationContext", "routes"]
