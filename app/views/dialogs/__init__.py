"""Dialogs: open a data set or checkpoint, export, report, settings, help, command palette."""
