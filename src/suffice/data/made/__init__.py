"""Data sets that a study makes for itself, from files of installed packages or with a program."""
