"""Finds the best of a gallery for one query without scoring every picture.

:mod:`~qaconv_core.searching.choice` says which path a search takes, and
:mod:`~qaconv_core.searching.top` runs it. The paths, with the modules that do the work:

- Every picture in float32: :mod:`qaconv_core.matching.scores`.
- Estimates from 8-bit integers with a proved bound:
  :mod:`~qaconv_core.searching.integer_estimates`, :mod:`~qaconv_core.searching.quantised`.
- Estimates from coarse maps with a measured margin:
  :mod:`~qaconv_core.searching.coarse_estimates`, :mod:`~qaconv_core.searching.measured_margin`.
- A shortlist by pooled maps: :mod:`~qaconv_core.searching.shortlist`.

The last three need a prepared gallery: :mod:`~qaconv_core.searching.prepared`.

The nearest of each of many pictures among themselves: :mod:`~qaconv_core.searching.among`, by lists
that pooled maps choose.

All pairs of an evaluation are estimated in :mod:`~qaconv_core.searching.estimated_logits`, where
:func:`~qaconv_core.searching.choice.choose_evaluation` says so.
"""
