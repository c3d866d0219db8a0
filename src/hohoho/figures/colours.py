"""Colours that colour-blind readers can tell apart; without matplotlib, which pages do not need."""

# Okabe and Ito's palette (Wong, Nature Methods 2011, 8:441)
BLACK, SKY, GREEN = "#000000", "#56B4E9", "#009E73"
BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#6b7280"
