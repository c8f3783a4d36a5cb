"""Files of a study: written whole, recorded, locked, fetched and verified."""
