"""Results go from one clone to another over S3 and SSH, by the commands of docs/running.md."""

import subprocess

import fake_pipeline as fake
import pytest
import remotes
from doc_commands import blocks

SHARE, FETCH = blocks("running.md", "Sharing")
TAG, GET = blocks("running.md", "The models by name")
S3 = "s3://bucket/hohoho"  # as on the page


def typed(lines, folder, **variables):
    """What a shell says to these lines of a page, typed in `folder`; fails at the first that does."""
    environment = fake.environment(DVC_NO_ANALYTICS="true", **variables)
    told = {"capture_output": True, "text": True, "check": False}
    done = subprocess.run(["bash", "-exc", lines], cwd=folder, env=environment, **told)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def outputs(folder):
    """Path → content of all that DVC keeps of a run."""
    files = [path for name in ("data", "models", "metrics") for path in (folder / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_text() for path in files if "costs" not in path.parts}


@pytest.fixture(scope="module")
def finished(fake_repository, tmp_path_factory):
    return fake.finished(fake_repository, tmp_path_factory.mktemp("finished") / "hohoho")


@pytest.fixture
def clones(finished, tmp_path):
    """Two clones of one Git remote: of an author with the cache of the finished run, of a reader with an empty one."""
    typed(f"git clone -q --bare {finished} origin", tmp_path)
    for name in ("author", "reader"):
        typed(
            f"git clone -q origin {name}; git -C {name} config user.name test; git -C {name} config user.email t@t",
            tmp_path,
        )
    (tmp_path / "author/.dvc/config.local").write_text(f"[cache]\ndir = {finished}/.dvc/cache\n")
    return tmp_path / "author", tmp_path / "reader"


def share(author, reader, url, lost, **environment):
    """The author pushes to `url` as the page says; the reader takes it, loses what is in `lost`, and runs nothing."""
    assert url in blocks("running.md", "Sharing")[0]
    typed(SHARE.replace(S3, url), author, **environment)
    typed("git pull -q", reader)
    pull, repro = FETCH.split("dvc repro")
    typed(pull, reader, **environment)
    assert outputs(reader) == outputs(author)
    typed(f"rm -r .dvc/cache; git clean -qfX {lost}", reader)
    assert outputs(reader) != outputs(author)
    assert "Running stage" not in typed(f"dvc repro{repro}", reader, **environment)
    assert outputs(reader) == outputs(author)


def test_over_ssh_another_clone_has_an_experiment_without_running_a_stage(clones, tmp_path):
    with remotes.ssh("server", tmp_path / "server") as environment:
        share(*clones, "ssh://server/srv/hohoho", "models", **environment)


def test_over_s3_too_and_the_tagged_models_come_by_name(finished, clones, tmp_path):
    author, reader = clones
    with remotes.s3("bucket") as environment:
        share(author, reader, S3, "data models metrics", **environment)
        assert outputs(reader) != outputs(finished)
        typed(TAG, author)
        (tmp_path / "elsewhere").mkdir()
        typed(GET, tmp_path / "elsewhere", REPOSITORY=str(tmp_path / "origin"), **environment)
    models = outputs(tmp_path / "elsewhere")
    assert {path.rpartition("/")[0] for path in models} == {"models", "models/cnn", "models/lstm"}
    assert models.items() <= outputs(finished).items()
