"""Pages: one HTML file that needs nothing else. Nothing here knows what a study asks."""
