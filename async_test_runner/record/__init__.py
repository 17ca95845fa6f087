"""What happened, and what it comes to: events, fold, journal, runs, verdict."""
