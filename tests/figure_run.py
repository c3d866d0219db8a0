"""What the figures look at: the run of `tiny_run` with untrained models."""

import numpy as np
import torch
from tiny_run import Pixels, evaluation_of, predictions_of, slice_table, stacks_of

from hohoho.figures.run import Run
from hohoho.models.backbones import SliceClassifier, build_backbone
from hohoho.models.losses import AsymmetricLoss
from hohoho.models.lstm import ScanLstm


def run_of(labelled=True, channels=3, together=False):
    """A tiny run; its models are untrained. together: CNN and LSTM were trained as one."""
    slices = slice_table(labelled)
    torch.manual_seed(0)
    classifier = SliceClassifier(
        "resnet18", build_backbone("resnet18", channels), [0.5] * channels, [0.5] * channels, 0.0
    )
    return Run(
        pixels=Pixels(len(slices)),
        slices=slices,
        stacks=stacks_of(slices),
        predictions=predictions_of(slices),
        embeddings=np.random.default_rng(3).normal(size=(len(slices), 512)).astype(np.float32),
        classifier=classifier.eval(),
        lstm=ScanLstm(512, 4).eval() if together else None,
        device="cpu",
        threshold=0.5,
        loss=AsymmetricLoss(0, 2, 0.05),
        phantom=None,
        scores=evaluation_of(slices),
    )
