"""The widgets of the window. None of them loads torch."""
