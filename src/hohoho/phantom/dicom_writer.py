"""Writes single-frame CT images as DICOM files (PS3.3 A.3 CT Image IOD, Explicit VR Little Endian)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

IMPLEMENTATION_UID = UID("2.25.302043790172249692526321623266752743501")


@dataclass(frozen=True)
class CtSeries:
    """What all images of a series share."""

    patient_id: str
    study_uid: str
    series_uid: str
    frame_uid: str
    patient_age: str  # "063Y"
    patient_sex: str
    manufacturer: str
    kernel: str
    orientation: tuple[float, ...]  # six direction cosines (PS3.3 C.7.6.2.1.1)
    pixel_mm: float
    thickness_mm: float
    bits_stored: int
    signed: bool
    slope: float
    intercept: float  # HU = stored * slope + intercept
    padding: int | None  # stored value outside the scanner's circle
    window_hu: tuple[float, float]  # centre, width


def series_dataset(series: CtSeries) -> Dataset:
    """The data elements that all images of a series share."""
    data = Dataset()
    data.SOPClassUID = CTImageStorage
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.Modality = "CT"
    data.Manufacturer = series.manufacturer
    data.ConvolutionKernel = series.kernel
    data.PatientID, data.PatientName = series.patient_id, series.patient_id
    data.PatientAge, data.PatientSex = series.patient_age, series.patient_sex
    data.StudyInstanceUID, data.SeriesInstanceUID = UID(series.study_uid), UID(series.series_uid)
    data.FrameOfReferenceUID = UID(series.frame_uid)
    data.BodyPartExamined = "HEAD"
    data.PatientPosition = "HFS"
    data.SliceThickness = decimal(series.thickness_mm)
    data.ImageOrientationPatient = [decimal(value) for value in series.orientation]
    data.PixelSpacing = [decimal(series.pixel_mm)] * 2
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, series.bits_stored, series.bits_stored - 1
    data.PixelRepresentation = int(series.signed)
    if series.padding is not None:
        data.add_new("PixelPaddingValue", "SS" if series.signed else "US", series.padding)
    data.RescaleSlope, data.RescaleIntercept = decimal(series.slope), decimal(series.intercept)
    data.RescaleType = "HU"
    data.WindowCenter, data.WindowWidth = (decimal(value) for value in series.window_hu)
    return data


def write_image(
    path: Path, shared: Dataset, image_uid: str, number: int, position_mm: np.ndarray, stored: np.ndarray
) -> None:
    """Write one image of the series.

    number: InstanceNumber. position_mm: (3,) centre of the first pixel. stored: (H, W), before rescaling.
    """
    data = shared.copy()
    data.SOPInstanceUID, data.InstanceNumber = UID(image_uid), number
    data.ImagePositionPatient = [decimal(value) for value in position_mm]
    data.Rows, data.Columns = stored.shape
    data.PixelData = stored.astype("<i2" if data.PixelRepresentation else "<u2").tobytes()
    data["PixelData"].VR = "OW"
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = CTImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.ImplementationClassUID = IMPLEMENTATION_UID
    dcmwrite(path, data, enforce_file_format=True)


def decimal(value: float) -> str:
    """A decimal string (VR DS): at most 16 characters (PS3.5 6.2)."""
    return f"{float(value):.9f}".rstrip("0").rstrip(".")[:16]
