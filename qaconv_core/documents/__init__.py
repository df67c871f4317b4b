"""Documents to pass on: single HTML files that load nothing and run no script."""
