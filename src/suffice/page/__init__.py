"""Pages: self-contained HTML files. Nothing here depends on the questions of a study."""
