"""The one collection: what pytest finds, and what it leaves out."""
