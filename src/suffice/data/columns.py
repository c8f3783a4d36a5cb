"""Columns that every corpus has, and the two values of a split."""

ID, CONTENT, GROUP, SPLIT = "id", "content", "group", "split"
REQUIRED_COLUMNS = (ID, CONTENT, GROUP, SPLIT)
STORED_COLUMNS = (ID, CONTENT, GROUP)
TOGETHER = "kept_together"
TRAIN, TEST = "train", "test"
QUERY, DOCUMENT = "query", "document"
