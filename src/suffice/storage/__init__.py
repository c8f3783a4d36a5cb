"""Files of a study: written as a whole, recorded, locked, fetched and verified."""
