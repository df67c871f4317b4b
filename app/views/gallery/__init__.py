"""The page Gallery: the pictures before there is a query, and the persons given to them."""
