"""Ways to get tests run: each launcher starts pytest sessions for jobs and passes on what they say.

All that the engine knows of them is `contract.launching`. ``exec`` starts a fresh pytest process per job.
"""
