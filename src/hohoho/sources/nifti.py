"""NIfTI volumes → axial slices in Hounsfield units, as DICOM shows them. The only room that knows nibabel.

The affine alone says where a voxel lies: from its indices to mm in RAS (NIfTI-1, 3D image orientation).
Pictures come out as DICOM's, in LPS (PS3.3 C.7.6.2.1.1): the patient's right on the left, the front up.
"""

from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform
from nibabel.spatialimages import HeaderDataError

from hohoho.dicom.header import LARGEST_SIDE
from hohoho.dicom.hounsfield import AIR_HU, HIGHEST_HU
from hohoho.dicom.standing import is_rotated
from hohoho.errors import Unusable
from hohoho.scans.geometry import normal

DISPLAY = axcodes2ornt("PLS")  # rows run to the back, columns to the left, slices to the head
SLICE_AXIS = 2  # of a turned volume
RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])


class Plane(NamedTuple):
    """One axial slice of a volume."""

    path: str
    index: int  # along the slice axis, as stored, from 0


class Volume(NamedTuple):
    """The slices of a volume, foot to head. Lengths in mm, directions in LPS."""

    planes: tuple[Plane, ...]
    position_mm: np.ndarray  # (Z,) along the normal
    spacing_mm: tuple[float, float]  # between rows, between columns
    orientation: tuple[float, ...]  # direction of a row, direction of a column
    warnings: tuple[str, ...]


def read_volume(path: Path) -> Volume:
    """Where the slices of a volume lie; no voxel is read. Raises Unusable where the file is no 3-D volume of CT."""
    image = _open(path)
    turn = _turn(image)
    affine = image.affine @ inv_ornt_aff(turn, image.shape[:3])  # from (row, column, slice) to mm
    down, across, up = RAS_TO_LPS * affine[:3, :3].T
    spacing_mm = float(np.linalg.norm(down)), float(np.linalg.norm(across))
    orientation = (*(across / spacing_mm[1]).tolist(), *(down / spacing_mm[0]).tolist())
    axis, flip = _slice_axis(turn)
    order = np.arange(image.shape[axis])
    origin_mm = RAS_TO_LPS * affine[:3, 3] @ normal(orientation)
    planes = tuple(Plane(str(path), int(index)) for index in (order[::-1] if flip else order))
    warnings = () if image.header["qform_code"] or image.header["sform_code"] else ("no_orientation",)
    warnings += ("rotated_in_plane",) * is_rotated(orientation)
    return Volume(planes, origin_mm + order * (up @ normal(orientation)), spacing_mm, orientation, warnings)


def read_plane(plane: Plane) -> tuple[np.ndarray, tuple[str, ...]]:
    """((rows, columns) int16 in HU, no repairs), front up, the patient's right on the left.

    Raises Unusable where voxels are missing, not finite or all of one value.
    """
    image = _open(plane.path)
    turn = _turn(image)
    part = [slice(None)] * 3 + [0] * (len(image.shape) - 3)
    part[_slice_axis(turn)[0]] = slice(plane.index, plane.index + 1)
    try:
        values = np.asarray(image.dataobj[tuple(part)], np.float32)
    except Exception as error:  # a damaged or cut file raises nearly everything
        raise Unusable("truncated_pixels", f"{plane.path}: voxels cannot be read ({type(error).__name__})") from error
    if not np.isfinite(values).all():
        raise Unusable("not_finite", f"{plane.path}: slice {plane.index + 1} has values that are no numbers")
    if values.min() == values.max():
        raise Unusable("constant", f"{plane.path}: every voxel of slice {plane.index + 1} has the same value")
    hu = np.clip(np.rint(values), AIR_HU, HIGHEST_HU).astype(np.int16)
    return apply_orientation(hu, turn)[:, :, 0], ()


def _open(path):
    try:
        image = nibabel.load(path)
    except HeaderDataError as error:
        raise Unusable("damaged_header", f"{path}: its NIfTI header contradicts itself ({error})") from error
    except Exception as error:  # nibabel raises nearly everything on damage
        raise Unusable("not_nifti", f"{path}: not a readable NIfTI file ({type(error).__name__})") from error
    size, kind = image.shape, image.get_data_dtype()
    if kind.fields:
        raise Unusable("colour", f"{path}: RGB, which is a fourth axis of colours, not a CT volume")
    if max(size[3:], default=1) > 1:  # many programs write one more axis, of one volume
        raise Unusable("fourth_axis", f"{path}: {size}, a fourth axis of several volumes: give one volume a file")
    if len(size) < 3 or min(size) < 1 or max(size) > LARGEST_SIDE or kind.kind not in "iuf":
        raise Unusable("not_a_volume", f"{path}: {size} of {kind}, not a CT volume")
    if not np.isfinite(image.affine).all() or np.linalg.matrix_rank(image.affine) < 4:
        raise Unusable("no_orientation", f"{path}: its affine does not say where a voxel lies")
    return image


def _turn(image):
    """How nibabel turns the stored axes so that they run as DISPLAY."""
    return ornt_transform(io_orientation(image.affine), DISPLAY)


def _slice_axis(turn):
    """(stored axis of the slices, whether it runs to the feet)."""
    axis = int(np.flatnonzero(turn[:, 0] == SLICE_AXIS)[0])
    return axis, turn[axis, 1] < 0
