"""The kinds of items: one file and one line of the registry for each."""
