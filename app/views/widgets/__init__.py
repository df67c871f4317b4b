"""Widgets that several pages use. They import no page, no dialog and nothing of the shell."""
