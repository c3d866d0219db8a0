"""Small CT files for tests, made with pydicom alone: the readers are not tested against the project's own writer."""

import hashlib
from copy import deepcopy
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian

SIDE = 512
KEY, WINDOW_HU = b"a key for tests only", (40, 80)  # of the pseudonyms; centre and width


def ct_slice(number: int, z_mm: float) -> Dataset:
    """One axial CT image, 512 pixels a side, number `number` of its series: stored values are HU, 10 times `number`."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, f"1.2.3.4.{number}"
    image.Modality, image.Manufacturer, image.ConvolutionKernel = "CT", "ACME", "SOFT"
    image.PatientID, image.PatientName, image.PatientSex, image.PatientAge = "P1", "Doe^Jane", "F", "064Y"
    image.StudyInstanceUID, image.SeriesInstanceUID, image.StudyDate = "1.2.3", "1.2.3.4", "20010203"
    image.InstanceNumber, image.SliceThickness = str(number), "5"
    image.ImagePositionPatient, image.ImageOrientationPatient = [-8, -8, z_mm], [1, 0, 0, 0, 1, 0]
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows = image.Columns = SIDE
    image.PixelSpacing = [1, 1]
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation = 15, 1
    image.RescaleIntercept, image.RescaleSlope = "0", "1"
    stored = np.full((SIDE, SIDE), 10 * number, np.int16)
    stored[0] = -1000
    image.PixelData = stored.tobytes()
    return image


def ct_study(slices: int, gap_mm: float = 5.0) -> list[Dataset]:
    """The slices of one study, foot to head."""
    return [ct_slice(number, number * gap_mm) for number in range(1, slices + 1)]


def study(patients: int = 1, slices: int = 4, noise: bool = True, side: int = SIDE) -> list[Dataset]:
    """The slices of one study a patient, foot to head, each study and series with ids of its own.

    Patient 3 is P3, the study 1.9.3. noise: no two slices are alike; else each has one value, 10 times its number.
    """
    rng, images = np.random.default_rng(0), []
    for patient in range(patients):
        for image in ct_study(slices):
            image.PatientID, image.StudyInstanceUID = f"P{patient}", f"1.9.{patient}"
            image.SeriesInstanceUID = f"{image.StudyInstanceUID}.1"
            image.SOPInstanceUID = f"{image.SeriesInstanceUID}.{image.InstanceNumber}"
            if noise:
                set_pixels(image, rng.integers(-20, 100, (side, side), dtype=np.int16))
            images.append(image)
    return images


def enhanced(images: list[Dataset]) -> Dataset:
    """The same slices as the frames of one enhanced CT file (PS3.3 A.38), all that differs in functional groups."""
    whole = deepcopy(images[0])
    whole.SOPClassUID, whole.NumberOfFrames = EnhancedCTImageStorage, str(len(images))
    whole.PixelData = b"".join(image.PixelData for image in images)
    shared = {
        "PlaneOrientationSequence": ["ImageOrientationPatient"],
        "PixelMeasuresSequence": ["PixelSpacing", "SliceThickness"],
        "CTReconstructionSequence": ["ConvolutionKernel"],
    }
    own = {
        "PlanePositionSequence": ["ImagePositionPatient"],
        "PixelValueTransformationSequence": ["RescaleSlope", "RescaleIntercept"],
    }
    whole.SharedFunctionalGroupsSequence = [_groups(images[0], shared)]
    whole.PerFrameFunctionalGroupsSequence = [_groups(image, own) for image in images]
    for name in [*sum(shared.values(), []), *sum(own.values(), []), "InstanceNumber"]:
        del whole[name]
    return whole


def _groups(image, wanted):
    """A functional group item: sequence name → one item with the image's elements of these names."""
    groups = Dataset()
    for sequence, names in wanted.items():
        item = Dataset()
        for name in names:
            item[name] = image[name]
        setattr(groups, sequence, [item])
    return groups


def set_pixels(image: Dataset, stored: np.ndarray) -> None:
    """Give `image` these stored values, size and word format."""
    image.Rows, image.Columns = stored.shape
    image.BitsAllocated = image.BitsStored = stored.dtype.itemsize * 8
    image.HighBit = image.BitsStored - 1
    image.PixelRepresentation = int(stored.dtype.kind == "i")
    image.PixelData = stored.tobytes()


def dicom_directory() -> Dataset:
    """The index file of a DICOM disc, DICOMDIR (PS3.3 F.3), empty."""
    directory = Dataset()
    directory.file_meta = FileMetaDataset()
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    directory.file_meta.MediaStorageSOPInstanceUID = "1.2.3.99"
    directory.FileSetID, directory.DirectoryRecordSequence = "DISC", []
    return directory


def save(image: Dataset, path: Path) -> Path:
    """Write one file and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save_as(path, enforce_file_format=True)
    return path


def save_all(images: list[Dataset], folder: Path) -> list[Path]:
    """Write files whose names say nothing of their order."""
    return [save(image, folder / f"{(7919 * i) % 104729:06d}") for i, image in enumerate(images, 1)]


def fingerprint(folder: Path) -> dict[str, str]:
    """Path in the folder → SHA-256, of all files below it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
