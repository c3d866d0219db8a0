"""Miniatures of every data set's layout: few patients, few slices, noise with a bright square where a slice bleeds.

The two topmost slices of a head are small and within bone.
"""

import cv2
import nibabel
import numpy as np
import pandas as pd
from ct_files import ct_study, save, set_pixels

from hohoho.labels import LABELS, RSNA_SUBTYPES
from hohoho.sources.cq500 import ANY, READERS
from hohoho.sources.cq500 import TYPES as CQ500_TYPES
from hohoho.sources.ct_ich import TYPES as CT_ICH_TYPES

PATIENTS, SLICES, SIDE = 10, 6, 32


def head(rng, bleeds, is_top):
    """(SIDE, SIDE) int16 HU: brain in air, brighter where it bleeds."""
    hu = np.full((SIDE, SIDE), -1000, np.int16)
    if is_top:
        hu[9:-9, 9:-9] = 500
    inset = 10 if is_top else 4
    hu[inset:-inset, inset:-inset] = rng.integers(20, 40, (SIDE - 2 * inset, SIDE - 2 * inset))
    if bleeds:
        hu[10:16, 10:16] += 40
    return hu


def heads(patients=PATIENTS, slices=SLICES, seed=0):
    """[(patient number, (slices, SIDE, SIDE) HU, (slices, 5) labels)], foot to head; the topmost has all types."""
    rng, found = np.random.default_rng(seed), []
    for number in range(patients):
        labels = rng.integers(0, 2, (slices, len(LABELS)))
        labels[0], labels[-1] = 0, 1
        hu = [head(rng, row.any(), level >= slices - 2) for level, row in enumerate(labels)]
        found.append((number, np.stack(hu), labels))
    return found


def ct_images(number, hu, kernel="SOFT"):
    """DICOM images of patient `number`, foot to head; kernel: also tells the series apart."""
    images = ct_study(len(hu))
    for image, pixels in zip(images, hu, strict=True):
        image.PatientID, image.StudyInstanceUID = f"P{number}", f"1.2.3.{number}"
        image.SeriesInstanceUID = f"{image.StudyInstanceUID}.{sum(map(ord, kernel))}"
        image.SOPInstanceUID = f"{image.SeriesInstanceUID}.{image.InstanceNumber}"
        image.ConvolutionKernel = kernel
        set_pixels(image, pixels)
    return images


def write_dicom(root, patients=PATIENTS):
    """ct/<patient>/<slice>, and labels.csv by series and number."""
    rows = []
    for number, hu, labels in heads(patients):
        for image, label in zip(ct_images(number, hu), labels, strict=True):
            save(image, root / "ct" / str(number) / str(image.InstanceNumber))
            rows.append((image.SeriesInstanceUID, image.InstanceNumber, *label))
    pd.DataFrame(rows, columns=["SeriesInstanceUID", "InstanceNumber", *LABELS]).to_csv(
        root / "labels.csv", index=False
    )


def write_rsna(root, patients=PATIENTS):
    """stage_2_train/ID_*.dcm, and stage_2_train.csv."""
    rows = []
    for number, hu, labels in heads(patients):
        for image, label in zip(ct_images(number, hu), labels, strict=True):
            name = f"ID_{number:04x}{int(image.InstanceNumber):04x}"
            save(image, root / "stage_2_train" / f"{name}.dcm")
            subtypes = {subtype: label[LABELS.index(ours)] for subtype, ours in RSNA_SUBTYPES.items()}
            rows += [(f"{name}_{subtype}", value) for subtype, value in {**subtypes, "any": label.max()}.items()]
    pd.DataFrame(rows, columns=["ID", "Label"]).to_csv(root / "stage_2_train.csv", index=False)


def write_course(root, patients=PATIENTS):
    """train/ID_*/*_0.jpg and train.csv; the last two patients are the unlabelled test set."""
    rows = []
    for number, hu, labels in heads(patients):
        part = "train" if number < patients - 2 else "test"
        folder = root / part / f"ID_{number:04d}"
        folder.mkdir(parents=True)
        for level, (pixels, label) in enumerate(zip(hu, labels, strict=True)):
            cv2.imwrite(str(folder / f"{number:04d}_{level}.jpg"), grey(pixels, 40, 80))
            rows += [(folder.name, f"{number:04d}_{level}", *label)] if part == "train" else []
    pd.DataFrame(rows, columns=["dirname", "ID", *LABELS]).to_csv(root / "train.csv", index=False)


def write_cq500(root, patients=PATIENTS):
    """CQ500CT0 CQ500CT0/Unknown Study/<series>/*.dcm, a soft and a sharp series each, and reads.csv."""
    rows = []
    for number, hu, labels in heads(patients):
        study = root / f"CQ500CT{number} CQ500CT{number}" / "Unknown Study"
        for series, kernel in (("CT Plain", "SOFT"), ("CT BONE", "BONE")):
            for place, image in enumerate(ct_images(number, hu, kernel)):
                save(image, study / series / f"CT{place:06d}.dcm")
        majority = dict(zip(LABELS, labels[number % SLICES], strict=True))
        rows.append({"name": f"CQ500-CT-{number}", "Category": "B1", **reads(majority, number)})
    pd.DataFrame(rows).to_csv(root / "reads.csv", index=False)


def reads(majority, number):
    """The columns of one row of reads.csv; the reader `number` % 3 says the opposite of the other two."""
    columns = {}
    for place, reader in enumerate(READERS):
        said = {name: int(majority[label]) ^ (place == number % 3) for label, name in CQ500_TYPES.items()}
        columns |= {f"{reader}:{name}": value for name, value in {ANY: max(said.values()), **said}.items()}
    return columns


def write_ct_ich_volumes(root, patients=PATIENTS):
    """ct_scans/049.nii in RAS, and hemorrhage_diagnosis_raw_ct.csv."""
    (root / "ct_scans").mkdir(parents=True)
    for number, hu, _ in heads(patients):
        stored = hu.transpose(2, 1, 0)[::-1, ::-1]  # from rows to the back and columns to the left
        image = nibabel.Nifti1Image(stored, np.diag([0.5, 0.5, 5.0, 1.0]))
        nibabel.save(image, root / "ct_scans" / f"{number + 49:03d}.nii")
    diagnoses(patients).to_csv(root / "hemorrhage_diagnosis_raw_ct.csv", index=False)


def write_ct_ich_pictures(root, patients=PATIENTS):
    """Patients_CT/049/brain/1.jpg with masks and bone windows beside them, and hemorrhage_diagnosis.csv."""
    for number, hu, _ in heads(patients):
        for window, center, width in (("brain", 40, 120), ("bone", 700, 3200)):
            folder = root / "Patients_CT" / f"{number + 49:03d}" / window
            folder.mkdir(parents=True)
            for place, pixels in enumerate(hu, 1):
                cv2.imwrite(str(folder / f"{place}.jpg"), grey(pixels, center, width))
        cv2.imwrite(str(folder.parent / "brain" / "1_HGE_Seg.jpg"), np.full((SIDE, SIDE), 255, np.uint8))
    diagnoses(patients).to_csv(root / "hemorrhage_diagnosis.csv", index=False)


def diagnoses(patients=PATIENTS):
    """CT-ICH's table of diagnoses."""
    rows = [
        {"PatientNumber": number + 49, "SliceNumber": place}
        | {name: label[LABELS.index(ours)] for ours, name in CT_ICH_TYPES.items()}
        | {"No_Hemorrhage": int(not label.any()), "Fracture_Yes_No": 0}
        for number, _, labels in heads(patients)
        for place, label in enumerate(labels, 1)
    ]
    return pd.DataFrame(rows)


def grey(hu, center, width):
    """(rows, columns) uint8 of the window."""
    return np.clip((hu - (center - width / 2)) * 255 / width, 0, 255).astype(np.uint8)
