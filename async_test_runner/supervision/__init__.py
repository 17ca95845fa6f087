"""The rooms of a phase under supervision; `supervisor` puts them together. None of them waits, starts or signals."""
