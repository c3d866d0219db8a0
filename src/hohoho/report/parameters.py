"""The parameters of the stage evaluate: its own, and those behind the models, for the figures and the report."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Phantom:
    patients: int
    size_px: int
    label_error_rate: float
    seed: int


@dataclass(frozen=True)
class Ingest:
    image_size: int
    window_center_hu: float
    window_width_hu: float


@dataclass(frozen=True)
class Split:
    seed: int
    val_fraction: float
    test_fraction: float


@dataclass(frozen=True)
class Stack:
    input: str
    labels: str
    subset: str
    normalization: str


@dataclass(frozen=True)
class Backbone:
    name: str
    start: str


@dataclass(frozen=True)
class Simclr:
    enabled: bool


@dataclass(frozen=True)
class TrainCnn:
    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    dropout: float
    precision: str
    keep: str


@dataclass(frozen=True)
class Loss:
    name: str
    gamma_pos: float
    gamma_neg: float
    clip: float
    pos_weight: bool


@dataclass(frozen=True)
class Augment:
    rotation_deg: float
    flip: bool
    jitter: float
    jitter_probability: float


@dataclass(frozen=True)
class TrainLstm:
    training: str
    units: int
    epochs: int
    learning_rate: float


@dataclass(frozen=True)
class Data:
    source: str


@dataclass(frozen=True)
class Evaluate:
    threshold: float
    smoothing: bool
    bootstrap: int
    figures: bool


@dataclass(frozen=True)
class Params:
    seed: int
    data: Data
    phantom: Phantom
    ingest: Ingest
    split: Split
    stack: Stack
    backbone: Backbone
    simclr: Simclr
    train_cnn: TrainCnn
    loss: Loss
    augment: Augment
    train_lstm: TrainLstm
    evaluate: Evaluate
