"""The curves: a line of panels per factor, a column per class, both models in each."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from hohoho.figures.colours import BLUE, GREY, VERMILLION
from hohoho.figures.style import SMALL_PT, canvas, label_axes
from hohoho.inference.table import MODEL_NAMES
from hohoho.limits.curves import Curve, Scale, probability
from hohoho.limits.listing import kind
from hohoho.predict.page import NAMES

COLOURS = dict(zip(MODEL_NAMES.values(), (BLUE, VERMILLION), strict=True))
ROW_IN = 1.9
POINTS = 100  # of a drawn curve
APART = 0.013  # of the models' bars
SHARES = {"found_50": 0.5, "found_95": 0.95}


def draw(levels: pd.DataFrame, fits: pd.DataFrame, title: str) -> Figure:
    """Of all factors in the tables. Dots: shares with intervals; lines: curves; bars: the limits' intervals."""
    factors, classes = list(dict.fromkeys(fits["factor"].map(kind))), list(dict.fromkeys(fits["class"]))
    figure = canvas(ROW_IN * len(factors) + 0.8, title)
    panels = figure.subplots(len(factors), len(classes), squeeze=False, sharey=True)
    for (factor, name, model), curve in fits.groupby([fits["factor"].map(kind), "class", "model"], sort=False):
        axes = panels[factors.index(factor), classes.index(name)]
        own = (levels["factor"].map(kind) == factor) & (levels["class"] == name) & (levels["model"] == model)
        _show(axes, levels[own], curve.iloc[0], COLOURS[model])
        axes.set_title(NAMES[name] if factor == factors[0] else "", size=SMALL_PT)
    for line, factor in enumerate(factors):
        panels[line, 0].set_ylabel("share found", size=SMALL_PT)
        panels[line, -1].annotate(
            factor, (1.06, 0.5), xycoords="axes fraction", rotation=270, va="center", size=SMALL_PT
        )
    handles = [panels[0, 0].plot([], [], color=COLOURS[model], marker="o", markersize=3)[0] for model in COLOURS]
    figure.legend(handles, COLOURS, loc="upper right", ncols=2, frameon=False, fontsize=SMALL_PT)
    return figure


def _show(axes, levels: pd.DataFrame, curve: pd.Series, colour: str) -> None:
    scale = Scale(*(curve[name] for name in Scale._fields))
    x, share = levels["measured"], levels["found"] / levels["heads"]
    ends = np.maximum([share - levels["low"], levels["high"] - share], 0)
    axes.errorbar(x, share, ends, fmt="o", color=colour, markersize=3, elinewidth=0.8, alpha=0.6)
    u = np.linspace(0, 1, POINTS)
    fitted = Curve(*(curve[name] for name in Curve._fields))
    axes.plot(scale.level(u), probability(u, fitted, curve["false_alarms"], scale.helps), color=colour, linewidth=1.4)
    for name, at in SHARES.items():
        low, high = (np.clip(curve[f"{name}_{end}"], scale.least, scale.most) for end in ("low", "high"))
        beside = at + (APART if colour == BLUE else -APART)
        axes.plot([low, high], [beside, beside], color=colour, linewidth=3, alpha=0.35, solid_capstyle="butt")
    axes.axhline(curve["false_alarms"], color=GREY, linewidth=0.7, linestyle=":")
    label_axes(axes, curve["unit"], "")
    axes.tick_params(labelsize=SMALL_PT - 1.5)
    axes.set_ylim(-0.03, 1.03)
    if scale.is_log:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
