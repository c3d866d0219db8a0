"""A package meets another hospital's labelled scans: tested on them, then recalibrated for them."""
