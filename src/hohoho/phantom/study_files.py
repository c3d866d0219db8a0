"""Writes one study as DICOM files (PS3.3 A.3 CT Image IOD, Explicit VR Little Endian), and its bleed masks.

Files and patients are named at random, as in RSNA's data set.
"""

from pathlib import Path

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from hohoho.phantom.acquisition import Acquisition
from hohoho.phantom.study import Study

IMPLEMENTATION_UID = UID("2.25.302043790172249692526321623266752743501")
# Manufacturer, kernel: stand-ins for the words that scanners write.
SCANNERS = (("GE MEDICAL SYSTEMS", "STANDARD"), ("SIEMENS", "H30s"), ("Philips", "UB"), ("TOSHIBA", "FC26"))
WINDOWS_HU = ((40.0, 80.0), (36.0, 80.0), (35.0, 100.0))  # centre, width: what the files suggest
P_SIGNED, P_PADDED, P_REVERSED = 0.6, 0.6, 0.3
PADDING = -2000  # stored value outside the scanner's circle
UNSIGNED_INTERCEPT = -1024
MASK_FROM = 64  # of 255: a pixel belongs to the stored mask from a quarter of blood on, so that faded ends are in it


def draw_uid(rng: np.random.Generator) -> UID:
    """A unique identifier from 128 random bits (PS3.5 B.2)."""
    return UID(f"2.25.{int.from_bytes(rng.bytes(16), 'big')}")


def decimal(value: float) -> str:
    """A decimal string (VR DS): at most 16 characters (PS3.5 6.2)."""
    return f"{float(value):.9f}".rstrip("0").rstrip(".")[:16]


def draw_series(rng: np.random.Generator, patient_id: str, age: float, sex: str, acquisition: Acquisition) -> Dataset:
    """The data elements that all images of a series share: its identity, and how it stores its pixels."""
    data = Dataset()
    data.file_meta = FileMetaDataset()  # completed by pydicom (PS3.10 7.1)
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.ImplementationClassUID = IMPLEMENTATION_UID
    data.SOPClassUID = CTImageStorage
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.Modality, data.BodyPartExamined, data.PatientPosition = "CT", "HEAD", "HFS"
    data.Manufacturer, data.ConvolutionKernel = SCANNERS[rng.integers(len(SCANNERS))]
    data.PatientID = data.PatientName = patient_id
    data.PatientAge, data.PatientSex = f"{int(18 + 75 * age):03d}Y", sex
    data.SliceThickness = decimal(acquisition.thickness_mm)
    directions = (*acquisition.row_direction, *acquisition.column_direction)
    data.ImageOrientationPatient = [decimal(value) for value in directions]
    data.PixelSpacing = [decimal(acquisition.pixel_mm)] * 2
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    is_signed = bool(rng.random() < P_SIGNED)
    bits = 16 if is_signed else 12
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, bits, bits - 1
    data.PixelRepresentation = int(is_signed)
    if is_signed and rng.random() < P_PADDED:
        data.add_new("PixelPaddingValue", "SS", PADDING)
    data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = (draw_uid(rng) for _ in range(3))
    intercept = rng.choice([0, UNSIGNED_INTERCEPT]) if is_signed else UNSIGNED_INTERCEPT
    data.RescaleSlope, data.RescaleIntercept, data.RescaleType = "1", decimal(intercept), "HU"
    window_hu = WINDOWS_HU[rng.integers(len(WINDOWS_HU))]
    data.WindowCenter, data.WindowWidth = (decimal(value) for value in window_hu)
    return data


def stored_values(hu: np.ndarray, series: Dataset) -> np.ndarray:
    """(Z, H, W) HU as the series stores them, padded outside the circle where it pads."""
    stored = hu.astype(np.int32) - int(series.RescaleIntercept)
    if not series.PixelRepresentation:
        return np.clip(stored, 0, 2**series.BitsStored - 1).astype("<u2")
    if "PixelPaddingValue" in series:
        steps = np.arange(hu.shape[-1]) - (hu.shape[-1] - 1) / 2
        stored[:, steps[:, None] ** 2 + steps**2 > (hu.shape[-1] / 2) ** 2] = series.PixelPaddingValue
    return stored.astype("<i2")


def write_study(folder: Path, study: Study, image_ids: list[str], series: Dataset, rng: np.random.Generator) -> None:
    """Write each slice to `folder/<image id>.dcm`; in some series InstanceNumber runs from head to foot."""
    numbers = range(1, len(image_ids) + 1)
    if rng.random() < P_REVERSED:
        numbers = numbers[::-1]
    slices = zip(image_ids, numbers, study.acquisition.first_pixels, stored_values(study.hu, series), strict=True)
    for image_id, number, position_mm, stored in slices:
        image = series.copy()
        image.SOPInstanceUID, image.InstanceNumber = draw_uid(rng), number
        image.ImagePositionPatient = [decimal(value) for value in position_mm]
        image.Rows, image.Columns = stored.shape
        image.PixelData = stored.tobytes()
        image["PixelData"].VR = "OW"
        dcmwrite(folder / f"{image_id}.dcm", image, enforce_file_format=True)


def write_masks(path: Path, blood: np.ndarray) -> None:
    """Keep (Z, 5, H, W) uint8 parts of blood as packed bits."""
    mask = blood >= MASK_FROM
    np.savez_compressed(path, shape=np.array(mask.shape), bits=np.packbits(mask))


def read_masks(path: Path) -> np.ndarray:
    """The (Z, 5, H, W) bool masks of one study, foot to head, in the order of LABELS."""
    with np.load(path) as stored:
        shape = tuple(stored["shape"].tolist())
        return np.unpackbits(stored["bits"], count=int(np.prod(shape))).reshape(shape).astype(bool)
