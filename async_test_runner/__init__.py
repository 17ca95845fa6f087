"""async-test-run: phases of pytest, one verdict, one JUnit XML.

Public surface: the command line, the plan's keys, the exit codes, the journal and ``summary.json``.
See ARCHITECTURE.md.
"""

__version__ = "0.1.0"
