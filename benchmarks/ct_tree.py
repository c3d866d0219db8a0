"""CT studies for benchmarks: one drawn by the phantom, its headers filled as scanners fill them, then copied."""

from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless

from hohoho.phantom.tables import IMAGES
from hohoho.phantom.tree import write_phantom

MARK = "70000000"  # the study's number, in every id and in one corner's pixels: replaced byte for byte
PRIVATE_GROUPS = (0x09, 0x11, 0x19, 0x21, 0x27, 0x43, 0x45)
TEXTS = {
    "StudyDate": "20010203", "SeriesDate": "20010203", "AcquisitionDate": "20010203", "ContentDate": "20010203",
    "StudyTime": "101010", "SeriesTime": "101010", "AcquisitionTime": "101010.11", "ContentTime": "101010.21",
    "AccessionNumber": "123456", "InstitutionName": "Hospital", "ReferringPhysicianName": "A^B", "StationName": "CT1",
    "StudyDescription": "CT HEAD", "SeriesDescription": "AXIAL 5 MM", "ManufacturerModelName": "Scanner 64",
    "PatientName": "Doe^Jane", "PatientBirthDate": "19400101", "ScanOptions": "AXIAL MODE", "KVP": "120",
    "DataCollectionDiameter": "250", "ReconstructionDiameter": "220", "DistanceSourceToDetector": "949",
    "GantryDetectorTilt": "0", "TableHeight": "150", "RotationDirection": "CW", "ExposureTime": "1000",
    "XRayTubeCurrent": "300", "Exposure": "300", "FilterType": "HEAD", "GeneratorPower": "36", "FocalSpots": "1.2",
    "SoftwareVersions": "1.0", "DeviceSerialNumber": "42", "ProtocolName": "5.1 ROUTINE HEAD", "StudyID": "77",
}  # fmt: skip


def draw_images(folder: Path, size: int, is_compressed: bool = False) -> list[bytes]:
    """The files of one study of `size` pixels a side, about 120 elements each; MARK stands where its number belongs.

    is_compressed: as lossless JPEG 2000, each study then with the same pixels.
    """
    write_phantom(folder, patients=1, seed=3, size=size, label_error_rate=0)
    images = [pydicom.dcmread(path) for path in sorted((folder / IMAGES).glob("*.dcm"))]
    for number, image in enumerate(images):
        _fill(image, number)
        if is_compressed:
            image.compress(JPEG2000Lossless, generate_instance_uid=False)
    return [_bytes(image, folder / "image") for image in images]


def write_tree(folder: Path, images: list[bytes], studies: int) -> int:
    """Writes `studies` copies of a study, each with ids of its own; returns the number of files."""
    for study in range(studies):
        place = folder / f"{study:05d}"
        place.mkdir(parents=True)
        for number, content in enumerate(images):
            number_of_study = str(int(MARK) + study).encode()
            (place / f"{number:03d}").write_bytes(content.replace(MARK.encode(), number_of_study))
    return studies * len(images)


def _fill(image, number):
    image.PatientID, image.StudyInstanceUID = f"P{MARK}", f"1.2.3.{MARK}"
    image.SeriesInstanceUID, image.SOPInstanceUID = f"1.2.3.{MARK}.1", f"1.2.3.{MARK}.1.{number}"
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.PixelData = image.PixelData[: -len(MARK)] + MARK.encode()  # lest all be taken for copies of one patient
    for name, value in TEXTS.items():
        setattr(image, name, value)
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = "1.2.840.10008.3.1.2.3.1", "1.2.3.4"
    image.ReferencedStudySequence, image.ReferencedImageSequence = [reference], [reference, reference]
    for group in PRIVATE_GROUPS:
        block = image.private_block(group, f"ACME {group}", create=True)
        for element in range(6):
            block.add_new(element, "DS", f"{element}.5")
        block.add_new(0x20, "OB", bytes(64))


def _bytes(image, path):
    image.save_as(path, enforce_file_format=True)
    return path.read_bytes()
