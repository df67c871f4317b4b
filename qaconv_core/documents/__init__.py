"""Documents to hand over: single HTML files that need nothing else and run nothing."""
