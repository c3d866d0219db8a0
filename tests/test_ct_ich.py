"""CT-ICH: NIfTI volumes that lie any way round come out as DICOM shows them; JPEGs of the older release; diagnoses."""

import itertools
import shutil

import cv2
import nibabel
import numpy as np
import pandas as pd
import pytest
from inventories import find_in
from miniatures import SIDE, SLICES, diagnoses, heads, write_ct_ich_pictures, write_ct_ich_volumes

from hohoho.errors import InputError, Unusable
from hohoho.ingest.ingest import ingest
from hohoho.labels import LABELS
from hohoho.pseudonyms import PUBLIC_KEY
from hohoho.scans.geometry import tilt_deg
from hohoho.slices.store import SlicePixels, read_slice_table
from hohoho.sources.ct_ich import read_diagnoses
from hohoho.sources.nifti import read_plane, read_volume

WINDOW_HU = (40.0, 80.0)
SIZES = (7, 5, 4)  # right to left, front to back, foot to head
SPACING_MM = (0.5, 0.6, 5.0)
DIRECTIONS = list(itertools.product((1, -1), repeat=3))


def landmark_head():
    """(slices, rows, columns) HU as DICOM shows it: blood front right at the foot, bone back left at the head."""
    hu = np.arange(np.prod(SIZES), dtype=np.float64).reshape(SIZES[::-1]) / 4  # no two voxels alike
    hu[0, 0, 0] = 270  # lowest slice, front, the patient's right: top left of the picture
    hu[-1, -1, -1] = 900  # topmost slice, back, the patient's left: bottom right
    return hu


def stored(hu, axes, signs, tilt=0.0):
    """The volume with its axes stored in the order `axes` (of x, y, z), each to R, A, S where its sign is 1.

    tilt: degrees that all of it is turned about the x axis.
    """
    to_ras = hu.transpose(2, 1, 0)[::-1, ::-1]  # x to the right, y to the front, z to the head
    turned = to_ras.transpose(axes)[tuple(slice(None, None, sign) for sign in signs)]
    affine = np.eye(4)
    for place, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        affine[:3, place] = 0
        affine[axis, place] = sign * SPACING_MM[axis]
        affine[axis, 3] = 0 if sign > 0 else (SIZES[axis] - 1) * SPACING_MM[axis]
    angle = np.radians(tilt)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    affine[:3] = turn @ affine[:3]
    return nibabel.Nifti1Image(turned, affine)


def save(image, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
    return path


@pytest.fixture
def volumes(tmp_path):
    write_ct_ich_volumes(tmp_path / "ct_ich", patients=3)
    return tmp_path / "ct_ich"


@pytest.fixture
def pictures(tmp_path):
    write_ct_ich_pictures(tmp_path / "ct_ich", patients=3)
    return tmp_path / "ct_ich"


@pytest.mark.parametrize("tilt", [0.0, 18.5])
@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_a_landmark_lands_in_its_corner_however_the_volume_is_stored(tmp_path, axes, tilt):
    for signs in DIRECTIONS:
        volume = read_volume(save(stored(landmark_head(), axes, signs, tilt), tmp_path / "049.nii"))
        hu = np.stack([read_plane(plane)[0] for plane in volume.planes])
        assert hu[0, 0, 0] == 270 and hu[-1, -1, -1] == 900, (axes, signs)
        assert np.array_equal(hu, np.rint(landmark_head())), (axes, signs)
        assert np.allclose(np.diff(volume.position_mm), SPACING_MM[2])
        assert volume.spacing_mm == pytest.approx((SPACING_MM[1], SPACING_MM[0]))
        assert tilt_deg(volume.orientation) == pytest.approx(tilt, abs=1e-4)


def test_the_geometry_is_that_of_the_dicom_of_the_same_scan(tmp_path):
    image = stored(landmark_head(), (0, 1, 2), (-1, -1, 1))
    image.set_sform(
        np.diag([-1.0, -1.0, 1.0, 1.0]) @ [[0.5, 0, 0, -80], [0, 0.6, 0, -90], [0, 0, 5, 40], [0, 0, 0, 1]], 1
    )
    volume = read_volume(save(image, tmp_path / "049.nii"))  # DICOM: position -80\-90\40, orientation 1\0\0\0\1\0
    assert volume.orientation == pytest.approx((1, 0, 0, 0, 1, 0))
    assert volume.position_mm.tolist() == [40, 45, 50, 55]
    assert [plane.index for plane in volume.planes] == [0, 1, 2, 3]


def test_planes_that_lean_but_are_stacked_straight_have_their_gaps_along_the_normal(tmp_path):
    image = stored(landmark_head(), (0, 1, 2), (1, 1, 1), tilt=18.5)
    affine = image.affine.copy()
    affine[:3, 2] = [0, 0, SPACING_MM[2]]  # a tilted gantry, and a table that moves level
    volume = read_volume(save(nibabel.Nifti1Image(image.dataobj, affine), tmp_path / "049.nii"))
    assert tilt_deg(volume.orientation) == pytest.approx(18.5, abs=1e-4)
    assert np.diff(volume.position_mm) == pytest.approx(SPACING_MM[2] * np.cos(np.radians(18.5)))


def test_the_scale_of_the_header_is_applied_and_nothing_lies_below_air(tmp_path):
    hu = np.rint(landmark_head())
    hu[0, 1] = -3000
    image = stored((2 * (hu + 1024)).astype(np.int16), (0, 1, 2), (1, 1, 1))
    image.header.set_slope_inter(0.5, -1024)
    volume = read_volume(save(image, tmp_path / "049.nii"))
    found, repairs = read_plane(volume.planes[0])
    assert repairs == () and found.dtype == np.int16
    assert np.array_equal(found, np.maximum(hu[0], -1024))


def test_a_packed_volume_is_read_as_well(tmp_path):
    volume = read_volume(save(stored(landmark_head(), (0, 1, 2), (1, -1, -1)), tmp_path / "049.nii.gz"))
    assert read_plane(volume.planes[-1])[0][-1, -1] == 900


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_bytes(b"no volume"), "not_nifti"),
        (lambda path: path.touch(), "not_nifti"),
        (lambda path: save(nibabel.Nifti1Image(np.zeros((4, 4, 4, 2), np.int16), np.eye(4)), path), "fourth_axis"),
        (lambda path: save(nibabel.Nifti1Image(np.zeros((4, 4), np.int16), np.eye(4)), path), "not_a_volume"),
        (lambda path: save(nibabel.Nifti1Image(np.zeros((4, 4, 4), np.complex64), np.eye(4)), path), "not_a_volume"),
    ],
)
def test_files_that_are_no_volume_are_refused_with_a_reason(tmp_path, make, reason):
    make(tmp_path / "049.nii")
    with pytest.raises(Unusable) as refused:
        read_volume(tmp_path / "049.nii")
    assert refused.value.reason == reason


@pytest.mark.parametrize("more_axes", [(1,), (1, 1), (1, 1, 1, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("scale", [(1, 0), (2, -1024)], ids=["as stored", "scaled"])
def test_more_axes_of_one_volume_change_nothing_however_it_is_stored(tmp_path, more_axes, dtype, scale):
    rng = np.random.default_rng(0)
    for axes, signs in zip(itertools.permutations(range(3)), DIRECTIONS, strict=False):
        image = stored(rng.integers(0, 200, SIZES[::-1]).astype(dtype), axes, signs)
        plain, longer = image, nibabel.Nifti1Image(image.dataobj.reshape(*image.shape, *more_axes), image.affine)
        for each in (plain, longer):
            each.header.set_slope_inter(*scale)
        volumes = [read_volume(save(plain, tmp_path / "049.nii")), read_volume(save(longer, tmp_path / "050.nii.gz"))]
        expected, found = ([read_plane(plane)[0] for plane in volume.planes] for volume in volumes)
        assert np.array_equal(found, expected), (axes, signs)
        assert np.array_equal(volumes[1].position_mm, volumes[0].position_mm)
        assert volumes[1][2:] == volumes[0][2:]


@pytest.mark.parametrize("size", [(4, 4, 4, 2), (4, 4, 1, 9), (4, 4, 4, 1, 3), (4, 4, 4, 2, 1)])
def test_a_true_fourth_axis_is_refused_with_that_word(tmp_path, size):
    path = save(nibabel.Nifti1Image(np.zeros(size, np.int16), np.eye(4)), tmp_path / "049.nii")
    with pytest.raises(Unusable, match="fourth axis") as refused:
        read_volume(path)
    assert refused.value.reason == "fourth_axis"


@pytest.mark.parametrize("channels", ["RGB", "RGBA"])
def test_colours_are_refused_as_a_fourth_axis(tmp_path, channels):
    colours = np.zeros((4, 4, 4), [(channel, "u1") for channel in channels])
    with pytest.raises(Unusable, match="RGB.*fourth axis") as refused:
        read_volume(save(nibabel.Nifti1Image(colours, np.eye(4)), tmp_path / "049.nii"))
    assert refused.value.reason == "colour"


def test_volumes_with_a_fourth_axis_are_counted_before_the_labels_that_lack_them(volumes):
    for path in (volumes / "ct_scans").glob("*"):
        image = nibabel.load(path)
        save(nibabel.Nifti1Image(np.stack([image.dataobj] * 2, axis=-1), image.affine), path)
    with pytest.raises(
        InputError, match="^3 files were left out: 3 fourth_axis, 18 of 18 rows.*split them into volumes"
    ):
        find_in("ct_ich", volumes)


def test_a_header_of_a_giant_is_refused_before_a_voxel_is_read(tmp_path):
    path = save(nibabel.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)), tmp_path / "049.nii")
    contents = bytearray(path.read_bytes())
    contents[42:46] = np.array([20_000, 20_000], "<i2").tobytes()  # dim[1] and dim[2]
    path.write_bytes(contents)
    with pytest.raises(Unusable, match="20000"):
        read_volume(path)


def test_an_affine_that_says_nothing_is_refused_and_none_at_all_is_warned_of(tmp_path):
    image = stored(landmark_head(), (0, 1, 2), (1, 1, 1))
    image.set_sform(None, 0)
    image.set_qform(None, 0)
    assert read_volume(save(image, tmp_path / "049.nii")).warnings == ("no_orientation",)
    image.header["sform_code"], image.header["srow_x"] = 1, np.nan
    nibabel.Nifti1Image(image.dataobj, None, image.header).to_filename(tmp_path / "050.nii")
    with pytest.raises(Unusable, match="affine"):
        read_volume(tmp_path / "050.nii")


def test_slices_that_are_cut_off_constant_or_not_finite_are_skipped_one_by_one(volumes, tmp_path):
    path = volumes / "ct_scans" / "049.nii"
    image = nibabel.load(path)
    hu = image.get_fdata(dtype=np.float32)
    hu[:, :, 1], hu[3, 3, 2] = 0, np.nan
    save(nibabel.Nifti1Image(hu, image.affine), path)
    path.write_bytes(path.read_bytes()[:-8])
    report = ingest(find_in("ct_ich", volumes), tmp_path / "store", SIDE, WINDOW_HU, PUBLIC_KEY)
    assert report.counts["skipped"] == {"constant": 1, "not_finite": 1, "truncated_pixels": 1}
    assert report.counts["slices"] == 3 * SLICES - 3


def test_pixels_and_labels_reach_the_store_foot_to_head(volumes, tmp_path):
    report = ingest(find_in("ct_ich", volumes), tmp_path / "store", SIDE, WINDOW_HU, PUBLIC_KEY)
    table, pixels = read_slice_table(tmp_path / "store"), SlicePixels(tmp_path / "store")
    found = {pixels.take(rows.index).tobytes(): rows[LABELS].to_numpy() for _, rows in table.groupby("study")}
    for _, hu, labels in heads(3):
        expected = np.rint(np.clip(hu, 0, 80) * 255 / 80).astype(np.uint8)
        assert np.array_equal(found[expected.tobytes()], labels)
    assert report.counts["skipped"] == {}
    assert report.counts["warned"] == {"matrix_not_512": 3}  # miniatures


def test_a_slice_number_counts_the_planes_as_stored(volumes):
    path = volumes / "ct_scans" / "050.nii"
    image = nibabel.load(path)
    affine = image.affine @ np.diag([1, 1, -1, 1])
    save(nibabel.Nifti1Image(image.get_fdata(), affine), path)  # now stored from head to foot
    scan = next(scan for scan in find_in("ct_ich", volumes).scans if scan.patient == "50")
    assert [plane.index for plane in scan.images] == [5, 4, 3, 2, 1, 0]
    assert np.array_equal(scan.labels, heads(3)[1][2][::-1])


def test_a_patient_without_brain_pictures_is_reported(pictures):
    shutil.rmtree(pictures / "Patients_CT/049/brain")
    notes = find_in("ct_ich", pictures, 1.0).notes
    assert [note.reason for note in notes if note.action == "skipped"] == ["unreadable_folder"]


def test_pictures_come_in_the_order_of_their_numbers_in_the_brain_window(pictures):
    (pictures / "Patients_CT/049/brain/6.jpg").rename(pictures / "Patients_CT/049/brain/10.jpg")
    table = diagnoses(3)
    table.loc[(table["PatientNumber"] == 49) & (table["SliceNumber"] == 6), "SliceNumber"] = 10
    table.to_csv(pictures / "hemorrhage_diagnosis.csv", index=False)
    inventory = find_in("ct_ich", pictures)
    scan = inventory.scans[0]
    assert inventory.notes == [] and len(inventory.scans) == 3
    assert scan.position_mm.tolist() == [5, 10, 15, 20, 25, 50]
    assert np.array_equal(scan.labels, heads(3)[0][2])
    hu, _ = scan.read_slice(scan.images[2])
    seen = cv2.imread(str(pictures / "Patients_CT/049/brain/3.jpg"), cv2.IMREAD_GRAYSCALE)
    assert np.allclose(hu, seen * (120 / 255) - 20, atol=1e-4)


def test_masks_and_bone_windows_are_passed_over_and_other_files_skipped(pictures):
    (pictures / "Patients_CT/050/brain/notes.txt").write_text("x")
    inventory = find_in("ct_ich", pictures)
    assert all("/brain/" in path and "Seg" not in path for scan in inventory.scans for path in scan.images)
    assert [(note.reason, note.item[-9:]) for note in inventory.notes] == [("no_number_in_name", "notes.txt")]
    assert inventory.files == 3 * SLICES + 1


def test_a_picture_whose_number_is_skipped_is_missing(pictures):
    for number in (2, 4):
        (pictures / f"Patients_CT/049/brain/{number}.jpg").unlink()
    scan = find_in("ct_ich", pictures, max_unmatched=1.0).scans[0]
    assert np.flatnonzero(scan.missing_below(np.arange(SLICES - 2))).tolist() == [1, 2]


def test_a_patient_has_one_name_in_both_releases(volumes, tmp_path):
    write_ct_ich_pictures(tmp_path / "old", patients=3)
    by_release = [[scan.patient for scan in find_in("ct_ich", root).scans] for root in (volumes, tmp_path / "old")]
    assert by_release == [["49", "50", "51"]] * 2


def test_two_volumes_of_one_patient_are_refused(volumes):
    (volumes / "ct_scans" / "49.nii").write_bytes((volumes / "ct_scans" / "049.nii").read_bytes())
    with pytest.raises(InputError, match="1 patients have several scans, first 49"):
        find_in("ct_ich", volumes)


def test_no_hemorrhage_that_contradicts_the_five_is_warned_of_and_the_five_are_right(tmp_path):
    table = diagnoses(2)
    table["No_Hemorrhage"] = 1 - table["No_Hemorrhage"].where(table.index < 2, 1 - table["No_Hemorrhage"])
    table.to_csv(tmp_path / "labels.csv", index=False)
    labels, notes = read_diagnoses(tmp_path / "labels.csv")
    assert np.array_equal(labels.to_numpy(), np.concatenate([labels for _, _, labels in heads(2)]))
    assert [(note.reason, note.item) for note in notes] == [("no_hemorrhage_contradicts", f"49/{n}") for n in (1, 2)]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda table: table.drop(columns="Epidural"), "no column Epidural. Needed are"),
        (lambda table: table.assign(Subdural=["2", *table["Subdural"][1:]]), "labels not 0 or 1: lines 2"),
        (lambda table: table.assign(Subdural=["", *table["Subdural"][1:]]), "labels not 0 or 1: lines 2"),
        (lambda table: table.assign(SliceNumber=["1.5", *table["SliceNumber"][1:]]), "a SliceNumber that.*lines 2"),
        (lambda table: pd.concat([table, table[:1].assign(Epidural=1)]), "named twice with different.*lines 20"),
    ],
)
def test_bad_diagnoses_are_refused_with_file_and_line(volumes, change, what):
    path = volumes / "hemorrhage_diagnosis_raw_ct.csv"
    change(diagnoses(3)).to_csv(path, index=False)
    with pytest.raises(InputError, match=f"{path.name}: .*{what}"):
        find_in("ct_ich", volumes)


def test_a_row_given_twice_alike_is_repaired(tmp_path):
    table = diagnoses(1)
    pd.concat([table, table[2:3]]).to_csv(tmp_path / "labels.csv", index=False)
    labels, notes = read_diagnoses(tmp_path / "labels.csv")
    assert len(labels) == SLICES
    assert [(note.action, note.reason, note.item) for note in notes] == [("repaired", "label_row_twice", "49/3")]


def test_labels_without_slices_are_counted_and_refused_above_the_accepted_fraction(volumes):
    (volumes / "ct_scans" / "051.nii").rename(volumes / "ct_scans" / "099.nii")
    with pytest.raises(InputError, match="6 of 18 rows of hemorrhage_diagnosis_raw_ct.csv.*first 51/1"):
        find_in("ct_ich", volumes, 0.3)
    inventory = find_in("ct_ich", volumes, 0.4)
    reasons = [note.reason for note in inventory.notes]
    assert reasons == ["label_without_image"] * 6 + ["image_without_label"] * 6
    assert np.isnan(inventory.scans[-1].labels).all()


def test_a_folder_of_neither_release_is_refused_with_what_is_needed(tmp_path):
    with pytest.raises(InputError, match="needs ct_scans/049.nii.*Patients_CT/049/brain/1.jpg"):
        find_in("ct_ich", tmp_path)
    (tmp_path / "ct_scans").mkdir()
    with pytest.raises(InputError, match="hemorrhage_diagnosis_raw_ct.csv does not exist"):
        find_in("ct_ich", tmp_path)


@pytest.mark.parametrize("degrees", [-60, -20, -4, 0, 4, 30, 80, 94, 130, 180])
def test_a_head_askew_in_its_plane_is_warned_of_as_in_dicom(tmp_path, degrees):
    image = stored(landmark_head(), (0, 1, 2), (1, 1, 1))
    turn, angle = np.eye(4), np.radians(degrees)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    volume = read_volume(save(nibabel.Nifti1Image(image.dataobj, turn @ image.affine), tmp_path / "049.nii"))
    assert ("rotated_in_plane" in volume.warnings) == (abs(degrees - 90 * round(degrees / 90)) > 5)
