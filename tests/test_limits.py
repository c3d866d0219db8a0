"""`hohoho limits`: one thing varies and nothing else, thresholds keep their false-alarm rate, curves tell the truth."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from new_heads import save_untrained
from scipy.stats import binomtest

from hohoho.cli import main
from hohoho.labels import LABELS
from hohoho.limits import conditions, curves, detect, limits
from hohoho.limits.conditions import CONTRAST, NOISE, OTHERS, SIZES, THICKNESS, TILT, factors_of, scans_needed
from hohoho.limits.curves import Curve, Scale
from hohoho.limits.detect import Seen, Task, class_scores, model_pixels, scans_of
from hohoho.limits.heads import Subject, draw_bleed, draw_subject, sized, with_bleed
from hohoho.limits.limits import BLEED_FREE
from hohoho.limits.listing import level_table, limit_table
from hohoho.limits.scanning import THIN_MM, Scanned, painted, scanned, thick_slices, thickness_mm, volume_ml
from hohoho.limits.tables import Rules, analysed
from hohoho.phantom import scanner
from hohoho.phantom.acquisition import STEP_MM
from hohoho.phantom.elsewhere import Elsewhere
from hohoho.phantom.geometry import smooth_noise
from hohoho.phantom.population import patient_of
from hohoho.phantom.study import Study, draw_setup, draw_study
from hohoho.phantom.study_files import draw_series, write_study
from hohoho.predict.reading import read_new_scan
from hohoho.predict.studies import new_scans
from hohoho.scans.geometry import missing_slices
from hohoho.scores.bootstrap import Resampling

SEED, SIZE, WINDOW = 3, 48, (40, 80)


def scans(label, number=0):
    """(factor, level) → the scan, of one head."""
    return {(f.name, level): scan for f, level, _, scan in scans_of(Task(None, SEED, number, label, SIZE))}


with pytest.MonkeyPatch.context() as unspoilt:  # a ghost of motion carries blood elsewhere
    unspoilt.setattr(scanner, "P_SPOILT", 0)
    ICH = scans("ich")


def noise_free(label, size_mm, number=0):
    bare = draw_subject(SEED, number, SIZE)
    planes = painted(with_bleed(bare, label, draw_bleed(bare, label), size_mm, 30.0))
    return np.stack([plane.hu for plane in planes]), np.stack([plane.blood for plane in planes])


def test_a_scan_is_the_phantoms_own():
    patient, _ = patient_of(1, 2)
    rng = np.random.default_rng(7)
    setup = draw_setup(rng, patient, SIZE)

    class Known(Subject):
        def noise(self):
            return rng

    subject = Known(0, 0, patient, *setup)
    same = draw_study(np.random.default_rng(7), patient, SIZE)
    np.testing.assert_array_equal(scanned(subject, painted(subject), None).hu, same.hu)


@pytest.mark.parametrize("number", range(4))
def test_the_models_see_what_they_see_of_dicom_files(tmp_path, number):
    numbers = (n for n in range(100) if missing_slices(draw_subject(SEED, n, SIZE).acquisition.positions_mm).any())
    subject = draw_subject(SEED, next(numbers) if number == 3 else number, SIZE)
    rng, hu = np.random.default_rng(number), scanned(subject, painted(subject), None).hu
    study = Study(hu, None, None, None, (), subject.acquisition)
    series = draw_series(rng, "P", 0.5, "F", subject.acquisition)
    write_study(tmp_path, study, [f"{i}" for i in range(len(hu))], series, rng)
    models = SimpleNamespace(inputs={"image_size": 32}, window=WINDOW)
    (new,) = new_scans(tmp_path)
    pixels, runs = model_pixels(models, subject, hu)
    read = read_new_scan(new.scan, 32, WINDOW)
    np.testing.assert_array_equal(pixels, read.pixels)
    starts = [0, *np.flatnonzero(new.scan.missing_below(read.slices.kept))]
    assert [run.start for run in runs] == starts and (number < 3 or len(runs) > 1)


def test_noise_alone_varies_with_noise_and_its_draws_stay():
    one, more, most = (ICH[NOISE, level].hu.astype(float) for level in (0.5, 3.0, 8.0))
    soft = (np.abs(one) < 100) & (np.abs(most) < 100)
    assert np.polyfit((more - one)[soft], (most - one)[soft], 1)[0] == pytest.approx(7.5 / 2.5, rel=0.02)


def test_contrast_changes_blood_alone_and_by_the_difference_in_hu():
    _, blood = noise_free("ich", SIZES["ich"].held)
    faint, strong = (ICH[CONTRAST, level].hu.astype(int) for level in (8.0, 18.0))
    assert ((faint == strong) | (blood.sum(axis=1) > 0)).all()
    np.testing.assert_allclose((strong - faint)[blood.max(axis=1) == 1], 10, atol=1)


@pytest.mark.parametrize("label", LABELS)
def test_a_larger_bleed_changes_the_head_around_it_alone(label):
    factor = SIZES[label]
    (small, _), (large, blood) = (noise_free(label, level) for level in factor.levels[2:4])
    rows, columns = np.nonzero(blood.any(axis=(0, 1)))
    reach = 5  # pixels: what it presses, its oedema
    near = np.zeros_like(small, bool)
    near[:, max(rows.min() - reach, 0) : rows.max() + reach, max(columns.min() - reach, 0) : columns.max() + reach] = 1
    assert (small == large)[~near].all() and (small != large)[near].any()


@pytest.mark.parametrize("label", LABELS)
def test_what_is_measured_grows_with_the_level(label):
    of = acquisition()
    blood = [noise_free(label, level)[1][:, LABELS.index(label)] for level in SIZES[label].levels]
    volumes, thickest = [volume_ml(each, of) for each in blood], [thickest_mm(each, of) for each in blood]
    assert (np.diff(volumes) > 0).all() or label == "edh"  # a thin lens has pale edges that reach far
    assert (np.diff(thickest) > 0).all() or label in ("ivh", "sah")
    if label == "ich":
        balls = 4 / 3 * np.pi * np.array(SIZES[label].levels[1:4]) ** 3 / 1000
        np.testing.assert_allclose(volumes[1:4], balls, rtol=0.5)
    if label in ("sdh", "edh"):
        np.testing.assert_allclose(thickest[2:], SIZES[label].levels[2:], rtol=0.3)


def acquisition():
    return draw_subject(SEED, 0, SIZE).acquisition


def thickest_mm(blood, of):
    return max(thickness_mm(each, of.pixel_mm) for each in blood)


@pytest.mark.parametrize("scale", [0.3, 2.5])
def test_a_smaller_bleed_of_the_brain_is_the_same_figure(scale):
    bleed = draw_bleed(draw_subject(SEED, 1, SIZE), "ich")
    radius = np.prod(bleed.radii) ** (1 / 3)
    other = sized("ich", bleed, radius * scale)
    np.testing.assert_allclose(other.radii, np.array(bleed.radii) * scale)
    away = np.random.default_rng(0).normal(0, 9, (3, 20))
    x = np.array(bleed.centre)[:, None]
    bumps = [smooth_noise(of.wobble, *(x + away * by)) for of, by in ((bleed, 1), (other, scale))]
    np.testing.assert_allclose(*bumps, atol=1e-6)


def test_a_thick_slice_is_the_mean_of_thin_ones_where_it_was():
    heads = (draw_subject(SEED, number, SIZE) for number in range(20))
    subject = next(each for each in heads if np.allclose(np.diff(each.acquisition.positions_mm), STEP_MM))
    thin, thick = thick_slices(subject, [THIN_MM, 3 * THIN_MM])
    np.testing.assert_array_equal(thin[8].z, thick[8].z)
    normal = np.cross(subject.acquisition.row_direction, subject.acquisition.column_direction)
    moved = subject.acquisition.first_pixels + THIN_MM * normal  # half way to the next
    between = subject._replace(acquisition=subject.acquisition._replace(first_pixels=moved, thickness_mm=THIN_MM))
    mean = (thin[8].hu + painted(between)[7].hu + painted(between)[8].hu) / 3
    np.testing.assert_allclose(thick[8].hu, mean, atol=0.5)


def test_a_tilt_turns_the_head_and_its_bleed_stays():
    volumes = [ICH[TILT, level].volume_ml for level in (0.0, 10.0, 20.0)]
    assert volumes == pytest.approx([volumes[0]] * 3, rel=0.2)
    assert (ICH[TILT, 10.0].hu != ICH[TILT, 0.0].hu).mean() > 0.3


@pytest.mark.parametrize("label", [*LABELS, None])
def test_levels_rise_and_hold_what_is_held(label):
    for factor in factors_of(label):
        assert list(factor.levels) == sorted(set(factor.levels)) and factor.held in factor.levels
    (thickness,) = (factor for factor in OTHERS if factor.name == THICKNESS)
    assert thickness.held == STEP_MM
    assert all(round(level / THIN_MM) % 2 and level % THIN_MM == 0 for level in thickness.levels if level != STEP_MM)


def test_what_every_factor_holds_is_scanned_once(monkeypatch):
    asked = []
    monkeypatch.setattr(detect, "models_here", lambda folder: None)
    monkeypatch.setattr(detect, "painted", lambda *of: None)
    monkeypatch.setattr(detect, "thick_slices", lambda subject, levels: [None for _ in levels])
    monkeypatch.setattr(detect, "scanned", lambda *of: Scanned(np.zeros(1), 0.0, 0.0))
    monkeypatch.setattr(detect, "class_scores", lambda *of: asked.append(of) or {"cnn": [float(len(asked))] * 5})
    for label in (*LABELS, None):
        seen = detect.look(Task(Path(), SEED, 0, label, 32))
        held = [(factor.name, factor.held) for factor in factors_of(label)]
        assert len({one.scores["cnn"][0] for one in seen if (one.factor, one.level) in held}) == 1
        assert len(seen) == sum(len(factor.levels) for factor in factors_of(label))
    assert len(asked) == scans_needed(1, 1)


def test_a_scans_score_ranks_as_the_probability_that_prediction_gives():
    raw = np.random.default_rng(0).uniform(0, 1, (30, 5))
    models = SimpleNamespace(inputs={"image_size": 32}, window=WINDOW, calibration=None)
    models.ask = lambda runs, pixels: SimpleNamespace(raw={"cnn": raw[: len(pixels)]})
    subject = draw_subject(SEED, 0, 32)
    hu = scanned(subject, painted(subject), None).hu
    largest = raw[: len(hu)].max(axis=0)
    np.testing.assert_allclose(class_scores(models, subject, hu)["cnn"], np.log(largest / (1 - largest)))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.sampled_from([0.02, 0.05, 0.1, 0.3]), st.integers(0, 9))
def test_no_threshold_lets_more_through_than_it_may_and_no_lower_one_would_do(scores, false_alarms, seed):
    scores = np.array(scores, float)
    drawn = np.random.default_rng(seed).multinomial(len(scores), np.full(len(scores), 1 / len(scores)), 3).T
    for weights, at in zip(drawn.T, curves.threshold(scores, drawn, false_alarms), strict=True):
        everyone = np.repeat(scores, weights)
        assert np.mean(everyone > at) <= false_alarms + 1e-9
        lower = everyone[everyone < at]
        assert not len(lower) or np.mean(everyone > lower.max()) > false_alarms


@pytest.mark.parametrize(("found", "of"), [(0, 20), (7, 24), (24, 24)])
def test_the_interval_of_a_share_is_wilsons(found, of):
    expected = binomtest(found, of).proportion_ci(method="wilson")
    assert curves.wilson(np.array(found), np.array(of)) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize(("helps", "plateau"), [(True, 1.0), (False, 0.8)])
def test_a_fit_finds_the_curve_and_its_interval_holds_it_as_often_as_it_says(helps, plateau):
    heads, sets, resamples, scale = 36, 25, 40, Scale(1.0, 64.0, True, helps)
    truth = Curve(0.5, 0.08, plateau)
    u = np.repeat(scale.u(np.array([1, 2, 4, 8, 16, 32, 64.0])), heads)
    rng = np.random.default_rng(1)
    ease = np.tile(rng.normal(0, 0.05, (heads, sets)), (7, 1))  # some heads are easier at all levels
    found = rng.uniform(size=(len(u), sets)) < curves.probability(u[:, None] + ease, truth, 0.05, helps)
    weights = np.vstack([np.ones((1, heads), int), rng.multinomial(heads, np.full(heads, 1 / heads), resamples)]).T
    columns = [np.repeat(found, resamples + 1, axis=1), np.tile(np.tile(weights, (7, 1)), (1, sets))]
    limit = curves.limit(curves.fit(u, *columns, 0.05, helps), 0.5, 0.05, scale).reshape(sets, -1)
    true = curves.limit(Curve(*map(np.array, truth)), 0.5, 0.05, scale)
    assert np.median(limit[:, 0]) == pytest.approx(true, rel=0.1)
    low, high = np.array([curves.percentiles(of[1:]) for of in limit]).T
    assert 0.8 <= np.mean((low <= true) & (true <= high)) <= 1


def test_what_lies_beyond_the_levels_tried_is_said_and_never_extrapolated():
    rising, falling = Scale(2.0, 32.0, True, True), Scale(0.0, 40.0, False, False)
    ends = Curve(*np.array([[0.5, 0.1, 0.7], [-0.3, 0.05, 1], [1.4, 0.05, 1]]).T)  # a low plateau; too easy; too hard
    assert curves.limit(ends, 0.95, 0.05, rising).tolist() == [np.inf, -np.inf, np.inf]
    assert curves.limit(ends, 0.95, 0.05, falling).tolist() == [-np.inf, -np.inf, np.inf]
    assert curves.percentiles(np.r_[np.full(50, 5.0), np.full(50, np.inf)]) == (5.0, np.inf)


CLASSES = ("ich", "edh")


def seen_of(strength, heads=20):
    """All conditions, each class's scores rising with what helps; a model is `strength` better than noise."""
    rng, seen = np.random.default_rng(0), []
    for label in (*CLASSES, None):
        own = rng.normal(size=heads * BLEED_FREE)
        for factor in factors_of(label):
            for place, level in enumerate(factor.levels if factor.helps else factor.levels[::-1]):
                for head in range(heads * (1 if label else BLEED_FREE)):
                    score = {model: [own[head] + by * place * bool(label)] * 5 for model, by in strength.items()}
                    seen.append(Seen(label, factor.name, level, head, 1.5**place, 1.5**place, score))
    return seen


@pytest.fixture(scope="module")
def written():
    return analysed(seen_of({"cnn": 0.0, "cnn_lstm": 2.0}), Rules(0.1, Resampling(30, 0)))


def test_the_tables_hold_a_line_per_level_and_per_curve(written):
    levels, fits = written
    assert len(levels) == 2 * sum(len(f.levels) for label in CLASSES for f in factors_of(label)) and len(fits) == 20
    assert ((levels["low"] <= levels["found"] / levels["heads"]) & (levels["found"] <= 20)).all()
    none = levels[levels["model"] == "CNN"]
    assert (none["found"] / none["heads"]).mean() == pytest.approx(0.1, abs=0.1)
    assert (fits.loc[fits["model"] == "CNN", "found_50"].abs() == np.inf).all()
    good = fits[fits["model"] == "CNN-LSTM"]
    assert np.isfinite(good["found_50"]).all() and (good["found_50_low"] <= good["found_50"]).all()


def test_words_are_those_of_the_numbers(written):
    levels, fits = written
    words = limit_table(fits)
    assert len(words) == 10 and set(words.iloc[:2]["bleed"]) == {*words["bleed"]}
    assert words["CNN: 50 %"].str.match(r"(<|>|not at) [\d.]+").all()
    assert words["CNN-LSTM: 50 %"].str.fullmatch(r"[\d.]+( \(((<|not at) )?[\d.]+ to (> )?[\d.]+\))?").all()
    assert len(level_table(levels)) == len(CLASSES) + len(OTHERS)


def test_thresholds_are_those_of_the_same_noise():
    """Scores that rise with noise, blood or not, find no more for it."""
    seen = seen_of({"cnn": 2.0})
    noisy = [
        one._replace(scores={"cnn": [score + 100 * (one.level - 1) for score in one.scores["cnn"]]})
        if one.factor == NOISE
        else one
        for one in seen
    ]
    plain, other = (analysed(of, Rules(0.1, Resampling(5, 0)))[0] for of in (seen, noisy))
    pd.testing.assert_series_equal(plain["found"], other["found"])


@pytest.fixture
def few_levels(monkeypatch):
    def few(factor):
        place = min(factor.levels.index(factor.held), len(factor.levels) - 2)
        return factor._replace(levels=factor.levels[place : place + 2])

    monkeypatch.setattr(conditions, "SIZES", {label: few(factor) for label, factor in SIZES.items()})
    monkeypatch.setattr(conditions, "OTHERS", tuple(map(few, OTHERS)))


def test_the_command_writes_tables_picture_and_page(tmp_path, few_levels, capsys):
    models, out = save_untrained(tmp_path / "models", image_size=32), tmp_path / "out"
    how = ["limits", "--model", f"{models}", "--out", f"{out}", "--heads", "2", "--false-alarms", "0.3", "--size", "32"]
    main([*how, "--workers", "1"])
    assert sorted(path.name for path in out.iterdir()) == ["limits.csv", "limits.html", "limits.png", "limits_fits.csv"]
    said = capsys.readouterr().out
    assert "minutes" in said and "intraparenchymal" in said and re.search(r"\d+ scans of \d+ heads", said)
    page = (out / "limits.html").read_text()
    assert page.count("data:image/png") == 5 and "://" not in page and "Not a medical device" in page
    with pytest.raises(SystemExit):
        main(how)
    assert "--force" in capsys.readouterr().err
    levels, fits = (pd.read_csv(out / name, float_precision="round_trip") for name in ("limits.csv", "limits_fits.csv"))
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    limits.write(out, levels, fits, "phantom")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before and list(tmp_path.glob(".*")) == []


def test_where_writing_fails_the_older_result_stays_and_nothing_beside_it(tmp_path, written, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / "limits_fits.csv").write_text("older")
    monkeypatch.setattr(limits, "write_page", lambda *of: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        limits.write(out, *written, "phantom")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "limits_fits.csv"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--heads", "6"], "at least 7"),
        (["--heads", "0"], "at least 7"),
        (["--false-alarms", "0"], "between 0 and 0.5"),
        (["--false-alarms", "0.001"], "at least 334"),
        (["--false-alarms", "1e-9"], "at least 3"),
        (["--workers", "-1"], "--workers"),
        (["--size", "8"], "32"),
        (["--model", "nowhere"], "dvc repro"),
        (["--out", ".", "--force"], "no older result"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_drawn(wrong, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["limits", "--out", "out", *wrong])
    assert said in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_another_place_is_not_changed_by_what_is_not_asked_for():
    assert detect.place_of(CONTRAST, 30.0, 30.0) == Elsewhere() == detect.place_of(NOISE, 1.0, 30.0)
