"""The desktop program: the window over the engine.

``state`` holds what is shown (no Qt), ``jobs`` is the one door to the engine, ``items`` are models,
delegates and graphics items, ``views`` the widgets. Imports point from the last to the first.
"""
