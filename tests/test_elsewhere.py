"""The phantom of another hospital: the same heads, and only what was asked for is different."""

import numpy as np
import pydicom
import pytest

from hohoho.cli import main
from hohoho.labels import LABELS
from hohoho.phantom.elsewhere import Elsewhere
from hohoho.phantom.study import draw_patient, draw_study

SEED, SIZE = 13, 64  # a patient with blood


def study(**different):
    rng = np.random.default_rng(SEED)
    return draw_study(rng, draw_patient(rng), SIZE, place=Elsewhere(**different))


HERE = study()
BLOOD = HERE.blood.max(axis=1) == 255
BRAIN = (HERE.hu > 15) & (HERE.hu < 50) & (HERE.blood.max(axis=1) == 0)


def roughness(volume):
    """Median difference of neighbours in the brain: of noise, mostly."""
    return np.median(np.abs(np.diff(volume.hu.astype(int), axis=2))[BRAIN[:, :, 1:]])


def test_by_default_it_is_the_phantom_itself():
    assert study(noise=1.0, blood_contrast=1.0, sharpness=0.0, tilt_deg=0.0).hu.tobytes() == HERE.hu.tobytes()


def test_noise_rises_by_its_factor_and_the_blood_stays_where_it_is():
    twice, four_times = (study(noise=factor) for factor in (2.0, 4.0))
    added = [np.std((noisy.hu.astype(int) - HERE.hu)[BRAIN]) for noisy in (twice, four_times)]
    assert added[1] / added[0] == pytest.approx(3, rel=0.02)  # the same draws, (factor - 1) times
    assert roughness(twice) > 1.3 * roughness(HERE)
    np.testing.assert_array_equal(four_times.blood, HERE.blood)


@pytest.mark.parametrize("factor", [0.3, 0.6, 1.4])
def test_only_blood_gets_another_contrast(factor):
    other = study(blood_contrast=factor)
    assert BLOOD.sum() > 20
    np.testing.assert_allclose((other.hu.astype(int) - HERE.hu)[BLOOD], (factor - 1) * 33, atol=1)
    assert (other.hu == HERE.hu)[HERE.blood.max(axis=1) == 0].all()
    np.testing.assert_array_equal(other.labels, HERE.labels)


def test_a_sharp_kernel_raises_edges_and_noise_and_not_the_brain():
    sharp = study(sharpness=1.0)
    assert roughness(sharp) > 1.3 * roughness(HERE)
    assert np.median(sharp.hu[BRAIN]) == pytest.approx(np.median(HERE.hu[BRAIN]), abs=2)
    assert (sharp.hu.min(), sharp.hu.max()) == (HERE.hu.min(), HERE.hu.max())


def test_a_tilt_shows_other_planes_of_the_same_head():
    tilted = study(tilt_deg=15)
    assert tilted.hu.shape == HERE.hu.shape and np.mean(tilted.hu != HERE.hu) > 0.3
    volumes = [each.blood.sum() for each in (tilted, HERE)]
    assert volumes[0] == pytest.approx(volumes[1], rel=0.35) and len(LABELS) == tilted.blood.shape[1]


def test_the_command_writes_it_and_its_files_name_another_kernel(tmp_path):
    def kernels(name, *options):
        main(["phantom", "--out", str(tmp_path / name), "--patients", "2", "--seed", "3", "--size", "32", *options])
        files = (tmp_path / name / "stage_2_train").iterdir()
        return {pydicom.dcmread(path, stop_before_pixels=True).ConvolutionKernel for path in files}

    assert "SHARP" not in kernels("plain")
    assert kernels("sharp", "--sharpness", "0.8") == {"SHARP"}


@pytest.mark.parametrize("wrong", [["--noise", "-1"], ["--blood-contrast", "-0.1"], ["--tilt", "60"]])
def test_what_no_scanner_does_is_refused(wrong, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["phantom", "--out", str(tmp_path / "x"), "--patients", "1", "--seed", "0", *wrong])
    assert wrong[1].lstrip("-") in capsys.readouterr().err and not list(tmp_path.iterdir())
