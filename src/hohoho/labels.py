"""The five types of hemorrhage: their order, and the names that other data sets give them."""

LABELS = ["ich", "ivh", "sah", "sdh", "edh"]  # intraparenchymal, intraventricular, subarachnoid, subdural, epidural

RSNA_SUBTYPES = {
    "intraparenchymal": "ich",
    "intraventricular": "ivh",
    "subarachnoid": "sah",
    "subdural": "sdh",
    "epidural": "edh",
}
