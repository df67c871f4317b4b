"""What of a figure has no room in a small chart, and in which order it goes."""

from __future__ import annotations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

LEAST_AXES = 150, 84
"""Logical pixels of width and height that axes have, before something else goes for them."""
LABELS = 60, 44
"""Logical pixels that titles and numbers beside and below axes take."""
MARGIN = 12
"""Logical pixels above and below axes that nothing else takes."""


class ChartRoom:
    """Drops from a figure what has no room, and brings it back: first the legend, then titles and
    numbers of the axes. The curves are always there.

    A title that is longer than its upright axis begins at the axis' top and runs on below it.
    """

    def __init__(self, figure: Figure) -> None:
        self._figure = figure
        self._legends = list(figure.legends)
        self._axes = [
            axis for one in figure.axes for axis in (one.xaxis, one.yaxis) if axis.get_visible()
        ]
        self._upright = [
            (title, title.get_position()[1], title.get_horizontalalignment())
            for title in (one.yaxis.label for one in figure.axes)
        ]

    def fit(self, canvas: FigureCanvasAgg, ratio: float) -> None:
        """For the present size of the figure; ``ratio``: its pixels to a logical one."""
        renderer = canvas.get_renderer()
        width, height = (side / ratio for side in canvas.get_width_height(physical=True))
        beside = below = 0.0
        for legend in self._legends:
            size = legend.get_window_extent(renderer)
            if (size.x0 + size.x1) / 2 / ratio > 0.51 * width:  # at the right, not in the middle
                beside += size.width / ratio
            else:
                below += size.height / ratio
        whole = self._enough(width - LABELS[0] - beside, height - LABELS[1] - below)
        bare = whole or self._enough(width - LABELS[0], height - LABELS[1])
        # A legend that is hidden only is given room by the layout all the same.
        self._figure.legends[:] = self._legends if whole else []
        for axis in self._axes:
            axis.set_visible(bare)
        rows, _columns = self._geometry()
        upright = (height - LABELS[1] - (below if whole else 0)) / rows - 2 * MARGIN
        for title, place, side in self._upright:
            title.set_visible(True)  # a hidden one has no length
            length = title.get_window_extent(renderer).height / ratio
            longer = length > upright
            title.set(y=1.0 if longer else place, horizontalalignment="right" if longer else side)
            # The layout keeps room for a title's middle, which is to be beside the axis.
            title.set_visible(length <= min(height / rows - MARGIN, 2 * upright))

    def _geometry(self) -> tuple[int, int]:
        """Rows and columns of the axes, which may be several."""
        rows = columns = 1
        for axes in self._figure.axes:
            spec = axes.get_subplotspec()
            if spec is not None:
                rows, columns = spec.get_gridspec().get_geometry()
        return rows, columns

    def _enough(self, width: float, height: float) -> bool:
        """Whether so much room is enough for the axes."""
        rows, columns = self._geometry()
        return width >= LEAST_AXES[0] * columns and height >= LEAST_AXES[1] * rows
