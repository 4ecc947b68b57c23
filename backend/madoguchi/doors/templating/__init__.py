"""What every door that shows a page shares: templates, words for dates and sums, static files, page headers.

Built once by the composition root and handed to the doors. Which page is shown with what is the doors' own;
what a page may say is in its page model.
"""

from madoguchi.doors.templating.assets import Assets
from madoguchi.doors.templating.environment import Templates
from madoguchi.doors.templating.headers import SafeAnswers, editor_headers, page_headers
from madoguchi.doors.templating.preferences import Preferences, TextSize, preferences_of, size_cookie

__all__ = [
    "Assets",
    "Preferences",
    "SafeAnswers",
    "Templates",
    "TextSize",
    "editor_headers",
    "page_headers",
    "preferences_of",
    "size_cookie",
]
