"""A figure that a notebook shows automatically."""

import io

from matplotlib.figure import Figure

from suffice.plots.style import styled


class ShownFigure(Figure):
    """A figure that a notebook shows automatically."""

    @styled
    def _repr_png_(self) -> bytes:
        """The figure as an image."""
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=100)
        return stream.getvalue()
