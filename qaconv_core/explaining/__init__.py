"""Questions about a ranking that have exact answers, because the logit is a sum of local maxima.

- :mod:`~qaconv_core.explaining.masks`: cells under a box or a lasso;
- :mod:`~qaconv_core.explaining.maxima`: one query against a whole gallery, cell by cell;
- :mod:`~qaconv_core.explaining.part`: search by some cells of the query;
- :mod:`~qaconv_core.explaining.covering`: what if a region were hidden;
- :mod:`~qaconv_core.explaining.difference`: why one candidate stands above another;
- :mod:`~qaconv_core.explaining.average`: what a cell adds beyond what it adds for everybody;
- :mod:`~qaconv_core.explaining.curves`: whether the cells named as strongest really decide.

Arrays are NumPy on the way in and out; all functions are reentrant, and results are frozen.
"""
