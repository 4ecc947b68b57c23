"""Page models: what each page may say, and nothing more. A handler builds one, `rendering.respond` shows it.

One file per family of pages. Models are frozen values without behaviour beyond what a template would have to
compute; they hold no rows and decide nothing.
"""
