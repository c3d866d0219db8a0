"""The report of `hohoho check` as text for a terminal of 100 columns."""

import textwrap
from collections import Counter, defaultdict
from itertools import accumulate

from hohoho.scans.verdict import VERDICTS

WIDTH, INDENT = 100, " " * 7
NAMES_WIDTH, NAME_WIDTH = 54, 40  # of the names on a line, of one name
HEAD = ("series", "verdict", "slices", "gaps mm: min", "median", "max", "tilt", "thick mm", "kernel", "size", "HU")
ROW = "{:<7}{:<9}{:>6}{:>14}{:>8}{:>7}{:>7}{:>10}  {:<10}{:<9} {}"
SUMMARIES = ("All of it can be used.", "Usable, with what is listed above.", "Nothing here can be used as it is.")


def as_text(report: dict, code: int) -> str:
    """What was found, series by series, then what was skipped and the verdict. code: of `exit_code`."""
    kept = [series for series in report["series"] if series["kept"]]
    slices = sum(series["n_slices"] for series in kept)
    skipped, copies = len(report["skipped"]), len(report["copies"])
    found = f"{_count(slices, 'usable slice')} in {_count(len(kept), 'scan')}, {_count(skipped, 'file')} skipped"
    lines = [f"{_count(report['files'], 'file')}: {found}" + f", {_count(copies, 'file')} there twice" * bool(copies)]
    studies = {study["series"] or study["study"] + ".1": study for study in report["studies"]}
    if report["series"]:
        lines += ["", ROW.format(*HEAD)]
        lines += [line for series in report["series"] for line in _series_lines(series, studies.get(series["series"]))]
    counts = Counter(study["verdict"] for study in report["studies"])
    if len(report["studies"]) > 1:
        lines += ["", "studies: " + ", ".join(f"{counts[word]} {word}" for word in VERDICTS if counts[word])]
    for title in ("refused", "skipped", "copies"):
        if report[title]:
            lines += ["", title] + _reason_lines(report[title])
    return "\n".join([*lines, "", f"{SUMMARIES[code]} (exit code {code})"])


def _series_lines(series, study):
    """Its row, and what is to be said of it. study: the study that it stands for, None where it is left."""
    gaps = [_fixed(series["gap_mm"][name], 2) for name in ("min", "median", "max")]
    size = f"{series['rows']}x{series['cols']}" if series["rows"] else "-"
    hu = f"{series['hu']['min']}..{series['hu']['max']}" if series["hu"] else "-"
    tilt, verdict = _fixed(series["tilt_deg"], 1, "°"), study["verdict"] if study else ""
    kernel, thickness = (series["kernel"] or "-")[:9], _fixed(series["thickness_mm"], 2)
    row = ROW.format(series["series"], verdict, series["n_slices"], *gaps, tilt, thickness, kernel, size, hu)
    folder = series["files"][0].rpartition("/")[0] if study and series["files"] else ""
    remarks = [_printable(folder)]
    if series["reason"]:
        remarks.append(f"left: {_words(series['reason']).removeprefix('other series: ')}")
    else:
        remarks += [f"{action}: {_reasons(reasons, series)}" for action, reasons in study["reasons"].items()]
    text = "; ".join(remark for remark in remarks if remark and not remark.endswith(": "))
    return [row, *textwrap.wrap(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT + "  ")]


def _reasons(reasons, series):
    """Reasons with the number of images; the series that are left have rows of their own."""
    missing = _some([f"{index + 1}" for index in series["missing_below"]])
    places = {"missing_slice": f" below slice {missing} of {series['n_slices']} from the foot"}
    return ", ".join(
        _words(reason) + places.get(reason, "") + f" ({n})" * (n > 1)
        for reason, n in reasons.items()
        if reason != "other_series"
    )


def _reason_lines(entries):
    """One line for each reason: how many files, and the names of the first."""
    files = defaultdict(list)
    for entry in entries:
        files[entry["reason"]].append(_printable(entry["file"]))
    return [f"{len(names):>6}  {_words(reason):<26}{_some(names)}" for reason, names in sorted(files.items())]


def _some(names):
    """The first names, as many as fit on a line and at least one, and how many more there are."""
    widths = accumulate(len(name) + 2 for name in names)
    shown = max(1, sum(width - 2 <= NAMES_WIDTH for width in widths))
    more = len(names) - shown
    return ", ".join(names[:shown]) + f" and {more} more" * bool(more)


def _printable(name):
    """The end of a file name, without bytes that are no text and characters that steer a terminal."""
    name = name if len(name) <= NAME_WIDTH else "…" + name[1 - NAME_WIDTH :]
    return "".join(character if character.isprintable() else "?" for character in name)


def _words(reason):
    return reason.replace("_", " ")


def _count(number, noun):
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _fixed(value, digits, unit=""):
    return "-" if value is None else f"{value:.{digits}f}{unit}"
