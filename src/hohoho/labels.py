"""The five bleed types: their order, and the names other data sets give them."""

LABELS = ("ich", "ivh", "sah", "sdh", "edh")

RSNA_SUBTYPES = {
    "intraparenchymal": "ich",
    "intraventricular": "ivh",
    "subarachnoid": "sah",
    "subdural": "sdh",
    "epidural": "edh",
}
