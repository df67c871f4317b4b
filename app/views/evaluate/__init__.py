"""The page Evaluate: choose what to measure, watch it, compare runs, export results."""

from app.views.evaluate.evaluate_page import EvaluatePage

__all__ = ["EvaluatePage"]
