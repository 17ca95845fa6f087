"""One module per view or format; each is a pure function of events or of their fold."""
