"""Exact explanations of rankings; they are exact because the logit is a sum of local maxima.

- :mod:`~qaconv_core.explaining.masks`: cells under a box or a lasso;
- :mod:`~qaconv_core.explaining.maxima`: one query against a whole gallery, cell by cell;
- :mod:`~qaconv_core.explaining.part`: search by some cells of the query;
- :mod:`~qaconv_core.explaining.covering`: logits with a region hidden;
- :mod:`~qaconv_core.explaining.difference`: why one candidate stands above another;
- :mod:`~qaconv_core.explaining.average`: contributions above average;
- :mod:`~qaconv_core.explaining.curves`: deletion and insertion curves of the strongest cells.

Arguments and results are NumPy arrays; all functions are reentrant, and results are frozen.
"""
