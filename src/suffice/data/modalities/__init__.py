"""What items can be: one file and one line of the registry for each kind of content."""
