"""The Checklist for Artificial Intelligence in Medical Imaging, answered by a run as far as it can.

Items and their order: Mongan, Moy and Kahn 2020 (Radiology: Artificial Intelligence 2, e200029), in our words. Braces
are filled from the run; what a program cannot know of a study is "not done", for its authors to answer.
"""

NOT_DONE = "not done"
CLAIM = (
    ("title names the method", "a CNN for slices and, where trained, a bi-LSTM over the scan"),
    ("structured summary", NOT_DONE),
    ("background and clinical role", "research and teaching; no clinical role"),
    ("aims and hypotheses", NOT_DONE),
    ("prospective or retrospective", "{design}"),
    ("goal of the study", "model creation: five types of hemorrhage for each slice"),
    ("sources of data", "{source}: {patients} patients, {studies} scans, {slices} slices"),
    ("who was eligible", "every scan that ingest could use; what it left out: {left_out}"),
    ("preprocessing", "windowed to {window} HU, {image_size} px, {channels} channels"),
    ("subsets that were chosen", "stack.subset = {subset}"),
    ("what the data elements mean", "labels ich, ivh, sah, sdh, edh of each slice, as the data set gives them"),
    ("de-identification", "pseudonyms: {pseudonyms}; no name, id or date is kept"),
    ("missing data", "missing slices are marked and no neighbours; unlabelled slices train nothing"),
    ("ground truth", "the data set's own labels"),
    ("why this ground truth", NOT_DONE),
    ("who annotated", "{annotators}"),
    ("tools of annotation", NOT_DONE),
    ("agreement of annotators", NOT_DONE),
    ("sample size", "all there was; no sample size was planned"),
    ("how data were split", "{fractions}, seed {split_seed}"),
    ("level of the split", "patients: no patient, study or identical picture is in two splits"),
    ("the model", "{backbone}; LSTM: {lstm}; code and parameters below"),
    ("software", "hohoho {hohoho}, torch {torch}, torchvision {torchvision}"),
    ("initial weights", "{start}"),
    ("training", "all parameters below"),
    ("how the final model was chosen", "train_cnn.keep = {keep}, on validation patients"),
    ("ensembles", "none"),
    ("measures of performance", "micro F2, AUROC, recall, specificity, calibration error; formulas in the repository"),
    ("statistics", "95 % intervals from a bootstrap over patients; none where fewer than 20 patients carry a score"),
    ("robustness", "subgroups in the run's report; other seeds and other hospitals: not done"),
    ("explainability", "Grad-CAM of each slice on the page of a prediction"),
    ("external data", "{external}"),
    ("flow of participants", "table Data"),
    ("demography of each split", NOT_DONE),
    ("performance of the final model on every split", "table Scores: validation and test"),
    ("estimates with their precision", "table Scores, with intervals"),
    ("failures", "the run's report shows its worst slices"),
    ("limits", "section Limits"),
    ("what it means for practice", "none: not a medical device"),
    ("registration", NOT_DONE),
    ("where the protocol is", "the repository: every parameter and line of code"),
    ("funding", NOT_DONE),
)


def claim_lines(facts: dict[str, object]) -> list[tuple[int, str, str]]:
    """(number, what is asked, answer). facts: by the names in braces."""
    return [(number, asked, answer.format(**facts)) for number, (asked, answer) in enumerate(CLAIM, 1)]
