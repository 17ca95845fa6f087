"""What a process can say about itself while a test hangs: `asking` answers the runner's signal, `report` is the text.

Everything shown is bounded and escaped, and no code of the test's is called: no ``__repr__``, no property. Collecting
looks at live objects (`stacks`, `chains`, `tasks`, `waits`, `trios`, `sockets`, `processes`); what follows from it is
decided and written from plain values (`values`, `likely`, `rendering`).
"""
