"""Parameters that may be meant alone, but not together: one law each."""

from collections.abc import Iterator, Mapping
from typing import Any

FEWEST_RESAMPLES = 40  # so that a 95 % interval leaves at least one of them out on each side
BRAIN_HU = (0, 100)  # water to clotted blood
READ_BY = {  # what only some data sets use
    "data.labels": ("dicom",),
    "ingest.preferred_kernel": ("dicom", "cq500"),
    "ingest.assumed_rescale": ("rsna", "dicom", "cq500"),
    "phantom.patients": ("phantom",),
}


def contradictions(params: Mapping[str, Any]) -> list[str]:
    """One line for values that may be meant alone, but not together. params: section.knob → valid value, not all."""
    return [line for law in LAWS for line in law(params)]


def _cosine_falls(params: Mapping[str, Any]) -> Iterator[str]:
    for section in ("train_cnn", "simclr"):
        start, end = params.get(f"{section}.learning_rate"), params.get(f"{section}.min_learning_rate")
        if start is not None and end is not None and end > start:
            yield f"{section}.min_learning_rate: {end} is above {section}.learning_rate, {start}: the cosine falls"


def _float16_is_for_gpus(params: Mapping[str, Any]) -> Iterator[str]:
    for name in ("train_cnn.precision", "simclr.precision"):
        if params.get(name) == "16-mixed" and params.get("runtime.accelerator") == "cpu":
            yield f"{name}: 16-mixed needs a GPU, but runtime.accelerator is cpu"


def _every_rank_has_a_part_of_a_batch(params: Mapping[str, Any]) -> Iterator[str]:
    ranks = params.get("runtime.devices", 1) * params.get("runtime.nodes", 1)
    unused = {"simclr": not params.get("simclr.enabled"), "train_lstm": params.get("train_lstm.training") == "skip"}
    for section in ("simclr", "train_cnn", "train_lstm"):
        size = params.get(f"{section}.batch_size")
        if size is not None and size < ranks and not unused.get(section):
            shared = f"runtime.devices x runtime.nodes, {ranks} in all, which share each batch"
            yield f"{section}.batch_size: {size} is less than {shared}: take fewer of them, or a larger batch"


def _the_source_reads_it(params: Mapping[str, Any]) -> Iterator[str]:
    source = params.get("data.source")
    for name, readers in READ_BY.items():
        if source and params.get(name) and source not in readers:
            yield f"{name}: read for data={' and data='.join(readers)} only, not for data={source}"


def _private_ids_stay_secret(params: Mapping[str, Any]) -> Iterator[str]:
    if params.get("data.source") == "dicom" and params.get("data.pseudonyms") == "public":
        yield "data.pseudonyms: public lets anyone guess the ids of your own scans (data=dicom); leave it secret"


def _the_window_shows_brain(params: Mapping[str, Any]) -> Iterator[str]:
    center, width = params.get("ingest.window_center_hu"), params.get("ingest.window_width_hu")
    if center is not None and width is not None:
        darkest, brightest = center - width / 2, center + width / 2
        if darkest >= BRAIN_HU[1] or brightest <= BRAIN_HU[0]:
            window = f"{darkest:g} to {brightest:g} HU (ingest.window_center_hu, ingest.window_width_hu)"
            yield f"ingest.window_center_hu: {window} shows no brain or blood, {BRAIN_HU[0]} to {BRAIN_HU[1]} HU"


def _every_split_has_a_patient(params: Mapping[str, Any]) -> Iterator[str]:
    patients = params.get("phantom.patients")
    fractions = [params.get(f"split.{split}_fraction") for split in ("val", "test", "calibration")]
    if params.get("data.source") == "phantom" and None not in (patients, *fractions):
        val, test, calibration = (round(patients * fraction) for fraction in fractions)
        train = patients - val - test - calibration
        if val < 1 or train < 1:
            yield (
                f"phantom.patients: {patients} are {train} for training and {val} for validation, "
                "by split.val_fraction, split.test_fraction and split.calibration_fraction; at least 1 each"
            )


def _spatial_dropout_needs_images(params: Mapping[str, Any]) -> Iterator[str]:
    dropout, training = params.get("train_lstm.spatial_dropout"), params.get("train_lstm.training")
    if dropout and training and training != "end_to_end":
        yield f"train_lstm.spatial_dropout: for train_lstm.training=end_to_end only, not {training}; leave it 0"


def _focal_has_one_gamma(params: Mapping[str, Any]) -> Iterator[str]:
    positive, negative = params.get("loss.gamma_pos"), params.get("loss.gamma_neg")
    if params.get("loss.name") == "focal" and positive and positive != negative:
        yield f"loss.gamma_pos: the focal loss takes loss.gamma_neg, {negative}, for both; leave it 0"


def _resamples_make_an_interval(params: Mapping[str, Any]) -> Iterator[str]:
    resamples = params.get("evaluate.bootstrap")
    if resamples and resamples < FEWEST_RESAMPLES:
        yield f"evaluate.bootstrap: {resamples} resamples make no 95 % interval: 0, or at least {FEWEST_RESAMPLES}"


LAWS = (
    _cosine_falls,
    _float16_is_for_gpus,
    _every_rank_has_a_part_of_a_batch,
    _the_source_reads_it,
    _private_ids_stay_secret,
    _the_window_shows_brain,
    _every_split_has_a_patient,
    _spatial_dropout_needs_images,
    _focal_has_one_gamma,
    _resamples_make_an_interval,
)
