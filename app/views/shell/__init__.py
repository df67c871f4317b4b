"""The frame of the window: main window, toolbar, menus, pages, problems, session."""
