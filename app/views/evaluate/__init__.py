"""The evaluate page: choose what to measure, watch it, compare runs, take results away."""

from app.views.evaluate.evaluate_page import EvaluatePage

__all__ = ["EvaluatePage"]
