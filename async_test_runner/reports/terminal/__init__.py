"""What a person sees: the views of a run, and its end."""
