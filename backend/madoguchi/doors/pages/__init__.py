"""The customers' pages: home, login, consent."""
