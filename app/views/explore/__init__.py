"""The page to browse and look inside: queries, ranked gallery, match, score breakdown."""
