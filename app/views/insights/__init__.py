"""The pages of failures and of trust: what was found out about the open set as a whole."""
