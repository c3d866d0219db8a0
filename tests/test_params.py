"""Parameters: every mistake found before any work, and params.yaml is what conf/ composes to."""

from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from hohoho import params
from hohoho.errors import InputError
from hohoho.parameter_check import mistakes
from hohoho.params import check
from hohoho.rows.composition import compose as compose_to

ROOT = Path(__file__).parents[1]
SCHEMA = yaml.safe_load((ROOT / "conf/schema.yaml").read_text())
pytestmark = pytest.mark.usefixtures("in_the_repository")
GROUP_FILES = sorted((ROOT / "conf").glob("row/*.yaml")) + sorted((ROOT / "conf").glob("data/*.yaml"))


@pytest.fixture
def good():
    return yaml.safe_load((ROOT / "params.yaml").read_text())


def composed(tmp_path, *overrides):
    compose_to(tmp_path / "params.yaml", list(overrides))
    return yaml.safe_load((tmp_path / "params.yaml").read_text())


def test_params_yaml_is_the_composed_conf(tmp_path, good):
    assert composed(tmp_path) == good, "conf/ and params.yaml disagree: run `uv run hohoho params`"


@pytest.mark.parametrize("path", GROUP_FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_row_and_data_file_merges_strictly(path):
    base = OmegaConf.load(ROOT / "conf/config.yaml")
    OmegaConf.set_struct(base, True)
    OmegaConf.merge(base, OmegaConf.load(path))


def test_a_misspelt_key_in_a_row_file_would_not_merge():
    base = OmegaConf.load(ROOT / "conf/config.yaml")
    OmegaConf.set_struct(base, True)
    with pytest.raises(Exception, match="gama_neg"):
        OmegaConf.merge(base, OmegaConf.create({"loss": {"gama_neg": 4}}))


def test_every_mistake_is_reported_at_once_with_the_nearest_name(good):
    good["loss"]["gama_neg"] = 4
    good["loss"]["name"] = "assymetric"
    good["train_cnn"]["batch_size"] = 0
    good["data"]["root"] = None
    del good["seed"], good["split"]["seed"], good["split"]["val_fraction"]
    with pytest.raises(InputError) as refused:
        check(good)
    assert str(refused.value).splitlines()[1:] == [
        "  seed: missing",
        "  data.root: needs the folder that holds your data set: -S data.root=/path/to/it",
        "  loss.gama_neg: unknown key; did you mean loss.gamma_neg?",
        "  loss.name: 'assymetric' is not one of asymmetric, focal, bce; did you mean asymmetric?",
        "  split.seed: missing",
        "  split.val_fraction: missing",
        "  train_cnn.batch_size: 0 is less than the minimum of 2",
    ]


def test_a_composition_with_a_mistake_exits_before_it_is_written(tmp_path):
    with pytest.raises(SystemExit, match="loss.gama_neg: unknown key; did you mean loss.gamma_neg"):
        composed(tmp_path, "+loss.gama_neg=4")
    with pytest.raises(SystemExit, match="data.root: needs the folder"):
        composed(tmp_path, "data=rsna")
    assert not (tmp_path / "params.yaml").exists()


def test_a_path_with_spaces_needs_quotes_and_is_refused_without(tmp_path):
    with pytest.raises(InputError, match="needs quotes"):
        composed(tmp_path, "data=rsna", "data.root=/mnt/Köpfe alle")
    assert composed(tmp_path, "data=rsna", "data.root='/mnt/Köpfe alle'")["data"]["root"] == "/mnt/Köpfe alle"


def test_a_number_with_an_exponent_is_text_to_yaml_and_is_refused(good):
    good["train_cnn"]["learning_rate"] = yaml.safe_load("1e-3")
    assert mistakes(good, SCHEMA) == ["train_cnn.learning_rate: '1e-3' is not of type 'number'"]


def test_every_knob_has_a_schema_entry_and_the_other_way_round(good):
    def names(schema, at=""):
        for key, sub in schema["properties"].items():
            yield from names(sub, f"{at}{key}.") if "properties" in sub else [at + key]

    def keys(values, at=""):
        for key, value in values.items():
            yield from keys(value, f"{at}{key}.") if isinstance(value, dict) else [at + key]

    assert set(names(SCHEMA)) == set(keys(good))


def test_a_stage_gets_what_dvc_yaml_declares_for_it_and_nothing_else(good):
    given = params.stage_params("train_cnn")
    assert given.loss.gamma_neg == good["loss"]["gamma_neg"]
    assert dict(given.augment) == good["augment"]
    assert dict(given.backbone) == {"name": good["backbone"]["name"]}
    for name, near in (("simclr", ""), ("los", r"; did you mean loss\?")):
        with pytest.raises(AttributeError, match=f"^{name} is not declared under params in dvc.yaml{near}$"):
            getattr(given, name)
    with pytest.raises(AttributeError, match="^backbone.start is not declared"):
        given.backbone.start  # noqa: B018
    with pytest.raises(AttributeError, match=r"^loss.gama_neg .*; did you mean loss.gamma_neg\?$"):
        given.loss.gama_neg  # noqa: B018


def test_parameters_cannot_be_changed_by_a_stage():
    given = params.stage_params("train_cnn")
    with pytest.raises(AttributeError):
        given.loss.gamma_neg = 4
    with pytest.raises(TypeError):
        given["seed"] = 4


def test_an_object_of_the_schema_is_closed(good):
    good["loss"]["gamma"] = 4
    del good["loss"]["clip"]
    assert mistakes(good, SCHEMA) == ["loss.gamma: unknown key; did you mean loss.gamma_pos?", "loss.clip: missing"]


def test_a_learning_rate_follows_its_optimizer(tmp_path):
    found = composed(tmp_path, "train_cnn.optimizer=sgd")
    assert found["train_cnn"]["learning_rate"] == found["learning_rates"]["sgd"]
