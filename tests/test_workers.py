"""One process, a pool, a Dask cluster, a cluster that loses a worker: the same results, in the order of the tasks."""

import logging
import os
import signal
import sys
from dataclasses import replace
from functools import partial

import pytest
from ct_files import KEY, WINDOW_HU, fingerprint, save_all, study
from distributed import LocalCluster
from inventories import find

from hohoho.dicom.reader import read_slice
from hohoho.errors import InputError
from hohoho.ingest import blocks as ingest_blocks
from hohoho.ingest.ingest import ingest
from hohoho.workers import ordered_map


def square(number):
    return number**2


def complain(_):
    raise InputError("mend this")


def die_once(place):
    try:
        (place / "died").touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def deadly_square(number, place):
    """As `square`; the first worker that comes to number 5 dies of it."""
    if number == 5:
        die_once(place)
    return number**2


def deadly_read(header, place):
    """As `read_slice`; the first worker that comes to the third slice of study 1.9.3 dies of it."""
    if (header.study_uid, header.instance) == ("1.9.3", 3):
        die_once(place)
    return read_slice(header)


@pytest.fixture(scope="module")
def cluster():
    """Address of a Dask scheduler with two worker processes."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # lost workers are what these tests are about
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with six studies in `in`."""
    place = tmp_path_factory.mktemp("studies")
    save_all(study(patients=6, slices=5), place / "in")
    return place


def leave_store(place, workers, read=read_slice):
    """(hashes of all files, counts, report lines) of an ingest with these workers."""
    inventory = find(place / "in", workers=workers)
    inventory.scans = [replace(scan, read_slice=read) for scan in inventory.scans]
    report = ingest(inventory, place / "out", 64, WINDOW_HU, KEY, workers)
    return fingerprint(place / "out"), report.counts, report.lines.to_csv()


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_come_in_the_order_of_their_tasks(workers):
    assert list(ordered_map(square, range(50), workers)) == [n**2 for n in range(50)]


def test_results_of_a_cluster_come_in_the_order_of_their_tasks(cluster):
    assert list(ordered_map(square, range(50), cluster)) == [n**2 for n in range(50)]


def test_what_a_lost_worker_was_at_is_done_by_another(cluster, tmp_path):
    results = ordered_map(partial(deadly_square, place=tmp_path), range(20), cluster)
    assert list(results) == [n**2 for n in range(20)]
    assert (tmp_path / "died").exists()


def test_a_killed_worker_of_this_machine_is_told_of(tmp_path):
    with pytest.raises(InputError, match="one of 2 workers was killed.*start again"):
        list(ordered_map(partial(deadly_square, place=tmp_path), range(20), 2))


def test_after_a_killed_worker_others_are_started(tmp_path):
    with pytest.raises(InputError, match="one of 2 workers was killed"):
        list(ordered_map(partial(deadly_square, place=tmp_path), range(20), 2))
    assert list(ordered_map(square, range(20), 2)) == [n**2 for n in range(20)]


def test_a_pool_that_was_left_half_way_does_no_harm(tmp_path):
    for result in ordered_map(square, range(50), 2):
        if result > 100:
            break
    assert list(ordered_map(square, range(20), 2)) == [n**2 for n in range(20)]


def test_the_store_is_the_same_whoever_reads_and_whichever_worker_is_lost(cluster, place, monkeypatch):
    monkeypatch.setattr(ingest_blocks, "BLOCKS", 3)  # two studies a block
    expected = leave_store(place, 1)
    assert len(expected[0]) == 6  # three shards and three tables
    assert leave_store(place, 2) == expected
    assert leave_store(place, cluster) == expected
    assert leave_store(place, cluster, partial(deadly_read, place=place)) == expected
    assert (place / "died").exists()


@pytest.mark.parametrize("local", [True, False])
def test_a_mistake_of_the_user_comes_back_from_a_worker_as_what_it_is(cluster, local):
    with pytest.raises(InputError, match="mend this"):
        list(ordered_map(complain, range(5), 2 if local else cluster))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "foo://here:8786"])
def test_an_address_where_no_scheduler_answers_is_named(address):
    with pytest.raises(InputError, match=f"no Dask scheduler answers at {address}"):
        list(ordered_map(square, range(3), address))


def test_a_cluster_without_workers_says_what_to_start():
    with LocalCluster(n_workers=0, dashboard_address=":0") as empty:
        address = empty.scheduler_address
        with pytest.raises(InputError, match=f"dask worker {address}"):
            list(ordered_map(square, range(3), address))


def test_an_installation_without_dask_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match="uv sync --extra cluster"):
        list(ordered_map(square, range(3), "tcp://127.0.0.1:8786"))
