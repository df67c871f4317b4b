"""Draws people by formula and trains a small network on them: the stand-in demo and its model."""
