"""One verdict on each scan, in the same words wherever it is spoken of: ingest report, `check` and prediction."""

from collections.abc import Iterable
from typing import NamedTuple

from hohoho.scans.scan import REFUSED, REPAIRED, SKIPPED, WARNED, Note, count_reasons

TAKEN = "taken"
VERDICTS = (TAKEN, REPAIRED, WARNED, SKIPPED, REFUSED)  # the worst thing that is to be said names the scan
# Skipped images that the scan itself lacks: slices with no place in it, and slices that cannot be read
LOST_SLICES = {"no_position", "second_image_at_position", "other_orientation", "no_rescale", "bad_rescale", "bad_bits"}
LOST_SLICES |= {"misplaced_bits", "no_pixels", "truncated_pixels", "undecodable_pixels", "wrong_transfer_syntax"}


class Verdict(NamedTuple):
    """What became of a study: one of VERDICTS, and why."""

    word: str
    reasons: dict[str, dict[str, int]]  # action → reason → how many images; 1 where the whole scan is meant

    def __str__(self):
        """The word first, with its own reasons, then all others."""
        actions = sorted(self.reasons, key=lambda action: action != self.word)
        told = [f"{action}: {_counted(self.reasons[action])}" for action in actions]
        return "; ".join([self.word] * (self.word not in self.reasons) + told)


def verdict(notes: Iterable[Note], is_taken: bool) -> Verdict:
    """The verdict on one study from all notes on it. is_taken: whether a scan of it is used."""
    notes = list(notes)
    reasons = {action: counts for action in reversed(VERDICTS) if (counts := count_reasons(notes, action))}
    lacks = any(note.action == SKIPPED and (note.index is not None or note.reason in LOST_SLICES) for note in notes)
    if REFUSED in reasons:
        word = REFUSED
    elif not is_taken:
        word = SKIPPED
    else:
        word = WARNED if WARNED in reasons or lacks else REPAIRED if REPAIRED in reasons else TAKEN
    return Verdict(word, reasons)


def verdicts(notes: Iterable[Note], taken: Iterable[str]) -> dict[str, Verdict]:
    """Study → Verdict, for all studies in `notes` and all in `taken`, those of which a scan is used."""
    by_study = {study: [] for study in taken}
    used = set(by_study)
    for note in notes:
        if note.study is not None:
            by_study.setdefault(note.study, []).append(note)
    return {study: verdict(about, study in used) for study, about in by_study.items()}


def _counted(reasons):
    return ", ".join(reason.replace("_", " ") + f" ({n})" * (n > 1) for reason, n in reasons.items())
