"""The sandbox: an invented credit union that is ready in one command, does not decay, and can be played with.

preparing.py brings it to the present moment, books.py its books; hours.py keeps its two calendars. stepping.py moves
its clock forward, plays/ are events at the credit union, each done through the doors that real life uses and undone
again, and starting_over.py makes room for a new one. All of it is refused in production. What is invented stands in
`backend/sample`.
"""

from madoguchi.sandbox.books import sent_last
from madoguchi.sandbox.hours import draw_hours, keep_open
from madoguchi.sandbox.preparing import Prepared, prepare

__all__ = ["Prepared", "draw_hours", "keep_open", "prepare", "sent_last"]
