"""What a test leaves behind: looked for after each test, at next to no cost where there is nothing.

`watch` is the way in. Each other module knows one family of things: it can say cheaply whether something has changed
since it last looked, and only then looks closely and names it.
"""
