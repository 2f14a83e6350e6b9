"""The look of the tutorials' figures: transparent, and readable on light and dark pages."""

import re

import matplotlib.pyplot as plt
import matplotlib_inline.backend_inline as inline
from IPython.display import HTML

GREY, BLUE, ORANGE, GREEN, RED = "#82868c", "#2f81c7", "#e0823d", "#3fa66a", "#d1495b"

plt.rcParams.update(
    {
        "figure.figsize": (6.4, 3.4),
        "figure.facecolor": "none",
        "figure.constrained_layout.use": True,
        "savefig.facecolor": "none",
        "axes.facecolor": "none",
        "axes.edgecolor": GREY,
        "axes.labelcolor": GREY,
        "axes.titlecolor": GREY,
        "axes.titlesize": "medium",
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, RED, GREY]),
        "legend.frameon": False,
        "legend.labelcolor": GREY,
        "text.color": GREY,
        "xtick.color": GREY,
        "ytick.color": GREY,
        "font.size": 10,
        "svg.hashsalt": "diffinterface",
    }
)
inline.set_matplotlib_formats("svg")


def player(animation):
    """The animation and its controls, without fetching icons: site.css has signs for them."""
    html = re.sub(r"<link[^>]*>", "", animation.to_jshtml(default_mode="reflect"))
    plt.close(animation._fig)
    return HTML(html)
