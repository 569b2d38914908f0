"""Named ways to train, each a frozen dataclass; `fer-train run ARCHITECTURE --recipe NAME` picks one by name."""

from dataclasses import asdict, dataclass, field
from typing import Any

EXPRESSION, VALENCE_AROUSAL = TARGETS = ("expression", "valence_arousal")
"""What a network can learn."""


@dataclass(frozen=True)
class Augmentation:
    """Random changes to each training image; every amount is the largest that may happen, 0 switches it off.

    Angles are degrees, shifts and scales shares of the side, contrast and brightness shares of the full range.
    `degrade` is the chance of what cameras and codecs do: small faces, motion, darkness, grain, compression.
    `erase` is the chance that a rectangle of at most `erase_area` of the image is filled with noise; `mixup` and
    `cutmix` are the chances that a batch is mixed with itself (Zhang et al. 2018, Yun et al. 2019).
    """

    flip: bool = True
    rotate_deg: float = 12.0
    shift: float = 0.08
    scale: float = 0.12
    shear: float = 0.08
    contrast: float = 0.25
    brightness: float = 0.12
    degrade: float = 0.0
    erase: float = 0.3
    erase_area: float = 0.2
    mixup: float = 0.0
    cutmix: float = 0.0
    mix_alpha: float = 0.4


@dataclass(frozen=True)
class References:
    """How the generative-contrastive networks learn their reference faces; to the other architectures it says nothing.

    First the generator alone learns for `generator_epochs`, which the recipe's epochs do not count. In the first
    `frozen_epochs` of these the classifier learns and the generator stays as it is; in the others both learn, with
    `weight` times the mean absolute error of the reference beside the cross-entropy. `neighbours` is the number of like
    neutral faces from which a reference is drawn, where the data has no pairs.
    """

    generator_epochs: int = 1
    frozen_epochs: int = 1
    weight: float = 1.0
    neighbours: int = 5


@dataclass(frozen=True)
class Recipe:
    """Everything about a training run but the architecture, the data and the seed.

    `votes_share` is the weight of the FER+ votes in the target beside the label, for the rows that have votes.
    `votes_head` is the weight of the loss of a second output that learns all ten vote columns from the same
    features and is left out of the saved network: the voters' habits shape the features, not the answer.
    `class_balance` weighs a class by its count to the power of minus this number (0 none, 1 full);
    `warmup_epochs` rise linearly to `learning_rate`, which then falls to zero along a cosine.
    `ema` is the decay per step of the averaged weights, 0 for none; `patience` ends a run after so many epochs
    without a better PublicTest accuracy, 0 for never. `keep` says which weights the run leaves:
    "best" by PublicTest accuracy, or "last". That accuracy is by what most voters chose where `votes_share` is 1 and
    the data has votes, by the labels else.
    `distillation` is the weight of the teachers' answers, softened by the temperature, beside the target.
    `small_side` is the side in pixels to which the pictures are shrunk during the first `small_share` of the epochs, 0
    for never (progressive resizing, Tan and Le 2021, arXiv 2104.00298): at 32 a step costs 0.6 of one at 48 pixels.
    """

    name: str = ""
    epochs: int = 60
    batch_size: int = 128
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    momentum: float = 0.9
    weight_decay: float = 0.05
    warmup_epochs: float = 2.0
    label_smoothing: float = 0.05
    votes_share: float = 0.5
    votes_head: float = 0.0
    drop_not_a_face: bool = True
    class_balance: float = 0.0
    ema: float = 0.998
    mixed_precision: bool = True
    patience: int = 0
    keep: str = "best"
    distillation: float = 0.0
    distillation_temperature: float = 2.0
    small_side: int = 0
    small_share: float = 0.5
    augmentation: Augmentation = field(default_factory=Augmentation)
    references: References = field(default_factory=References)

    def side(self, epoch: int) -> int | None:
        """Side in pixels of the pictures in an epoch, counted from 0; None where they stay as they are."""
        return self.small_side if self.small_side and epoch < self.small_share * self.epochs else None

    def as_record(self) -> dict[str, Any]:
        """Give plain values for the record that travels with the weights."""
        return asdict(self)


@dataclass(frozen=True)
class Smoke(Recipe):
    """Two epochs, to see that everything is in place; no score to speak of.

    `fer-train run mini_xception --data data/fer2013 --recipe smoke --out runs/smoke`, one minute.
    """

    name: str = "smoke"
    epochs: int = 2
    warmup_epochs: float = 0.5
    ema: float = 0.98


@dataclass(frozen=True)
class Quick(Recipe):
    """A small network in twenty minutes on two cores.

    `fer-train run mini_xception --data data/fer2013 --recipe quick --out runs/mini_xception`:
    61.6 % on PublicTest, 62.6 % on PrivateTest.
    """

    name: str = "quick"
    epochs: int = 30
    batch_size: int = 64
    learning_rate: float = 3e-3
    label_smoothing: float = 0.0
    augmentation: Augmentation = field(
        default_factory=lambda: Augmentation(rotate_deg=10, shift=0.06, scale=0.1, shear=0.05, erase=0.1)
    )


@dataclass(frozen=True)
class Strong(Recipe):
    """A residual network in about an hour and a half on two busy cores: strong augmentation, votes as a second target.

    `fer-train run se_resnet --data data/fer2013 --recipe strong --epochs 70 --out runs/se_resnet`:
    68.4 % on PublicTest, 68.8 % on PrivateTest. It still reads only 73 % of its own training images, so more epochs
    should bring more.
    """

    name: str = "strong"
    epochs: int = 50
    batch_size: int = 64
    learning_rate: float = 1.5e-3
    label_smoothing: float = 0.0
    votes_share: float = 0.15
    votes_head: float = 1.0
    ema: float = 0.999
    augmentation: Augmentation = field(
        default_factory=lambda: Augmentation(rotate_deg=15, shift=0.1, scale=0.15, mixup=0.15, cutmix=0.15)
    )


@dataclass(frozen=True)
class Distil(Strong):
    """Part of the target from teachers: any number of trained networks, answering on average for each image.

    `fer-train run se_resnet --data data/fer2013 --recipe distil --teacher FIRST.keras --start FIRST.keras --out …`,
    an hour on two cores: from 68.4 % to 69.7 % on PublicTest, best after 48 epochs. Augmentation is milder than in
    `strong`: after 70 of its epochs, se_resnet read 72.8 % of its own training images right and 68.4 % of PublicTest,
    so it was held back more than it overfitted.
    """

    name: str = "distil"
    epochs: int = 60
    batch_size: int = 128
    votes_share: float = 0.0
    votes_head: float = 0.5
    warmup_epochs: float = 1.0
    distillation: float = 0.4
    distillation_temperature: float = 1.0
    augmentation: Augmentation = field(default_factory=lambda: Augmentation(erase=0.25, erase_area=0.15))


@dataclass(frozen=True)
class Robust(Distil):
    """The last step: a trained network learns to give its teachers' answers for pictures that are made worse.

    `fer-train run se_resnet --data data/fer2013 --recipe robust --teacher FIRST.keras --teacher SECOND.keras
    --start SECOND.keras --out …`, ten minutes on two cores: 69.5 % on PublicTest, 66 % with grain of 10 of 255, which
    took 20 points without it. The ten voters have a say in the labels' half of the target, since the labels alone
    taught to call neutral faces angry or sad.
    """

    name: str = "robust"
    epochs: int = 12
    learning_rate: float = 5e-4
    warmup_epochs: float = 0.5
    ema: float = 0.998
    keep: str = "last"
    votes_share: float = 0.4
    distillation: float = 0.5
    augmentation: Augmentation = field(
        default_factory=lambda: Augmentation(degrade=0.5, erase=0.25, erase_area=0.15)
    )


@dataclass(frozen=True)
class Voters(Recipe):
    """A trained network hears the FER+ voters alone: each face's target is the distribution of its votes.

    `fer-train run se_resnet --data data/fer2013 --recipe voters --start FIRST.keras --out runs/voters`, two hours
    on two cores that other work shared, for 37 epochs: from 79.0 to 91.2 % of PublicTest's majorities, 87.7 % after 21
    epochs. Single precision, since bfloat16 helps only where the processor has it.
    """

    name: str = "voters"
    epochs: int = 40
    learning_rate: float = 1e-3
    warmup_epochs: float = 1.0
    label_smoothing: float = 0.0
    votes_share: float = 1.0
    mixed_precision: bool = False
    keep: str = "last"
    small_side: int = 32
    small_share: float = 0.6
    augmentation: Augmentation = field(
        default_factory=lambda: Augmentation(degrade=0.3, erase=0.25, erase_area=0.15, mixup=0.1, cutmix=0.1)
    )


@dataclass(frozen=True)
class VotersOn(Voters):
    """A network that has heard the voters goes on at a lower rate, with whole pictures and less done to them.

    `fer-train run se_resnet --data data/fer2013 --recipe voters_on --start FIRST.keras --out …`. After `voters`,
    `se_resnet` read 93.7 % of Training's majorities right and 91.2 % of PublicTest's: it was held back more than it
    overfitted. 30 epochs, an hour and a quarter on a core that other work shared: 91.4 %, and the cross-entropy against
    the voters' shares from 0.731 to 0.715.
    """

    name: str = "voters_on"
    epochs: int = 30
    learning_rate: float = 5e-4
    mixed_precision: bool = True
    ema: float = 0.999
    small_side: int = 0
    augmentation: Augmentation = field(
        default_factory=lambda: Augmentation(degrade=0.3, erase=0.15, erase_area=0.15)
    )


@dataclass(frozen=True)
class Compare(Recipe):
    """The same small budget for every architecture: what each learns from three looks at the data.

    `fer-train run ARCHITECTURE --data data/fer2013 --recipe compare --out runs/compare/ARCHITECTURE`:
    two to six minutes on two cores, eleven and fourteen for `mobilenet` and `efficientnet`, whose depthwise
    convolutions are slow on a CPU; 37 to 53 % on PublicTest.
    """

    name: str = "compare"
    epochs: int = 3
    warmup_epochs: float = 0.5
    label_smoothing: float = 0.0
    votes_share: float = 0.0
    votes_head: float = 0.5
    ema: float = 0.99
    keep: str = "last"
    augmentation: Augmentation = field(
        default_factory=lambda: Augmentation(rotate_deg=10, shift=0.06, scale=0.1, shear=0.05, erase=0.1)
    )


@dataclass(frozen=True)
class HeadRecipe(Recipe):
    """Valence and arousal behind a network that tells expressions, which stays as it is: a minute beside its features.

    The features of each image are computed once for it and once for each of `copies` augmented ones; an epoch takes one
    of these at random. One layer of `hidden` units reads them, with the trunk's logits beside them if `logits`;
    `feature_dropout` and `dropout` are before and behind it. `from_product` starts at the product of the probabilities
    with the expressions' coordinates.
    `fer-train run head --target valence_arousal --trunk training/weights/se_resnet.keras --data data/fer2013 --out …`
    """

    name: str = "head"
    epochs: int = 8
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup_epochs: float = 0.5
    label_smoothing: float = 0.0
    ema: float = 0.99
    mixed_precision: bool = False
    keep: str = "last"
    hidden: int = 64
    feature_dropout: float = 0.2
    dropout: float = 0.5
    logits: bool = True
    from_product: bool = True
    copies: int = 2
    augmentation: Augmentation = field(default_factory=lambda: Augmentation(erase=0.0))


@dataclass(frozen=True)
class Contrast(Recipe):
    """The same small budget for `generative_contrastive` and for its encoder without the contrast; voters alone.

    `fer-train run generative_contrastive --data data/fer2013 --recipe contrast --out runs/contrast`, and the same with
    `generative_contrastive_query`, `resnet_small` and `resnet_medium`: about four minutes on a core of its own, one
    and a half for `resnet_medium`, one for `resnet_small`.
    """

    name: str = "contrast"
    epochs: int = 4
    learning_rate: float = 3e-3
    warmup_epochs: float = 0.5
    label_smoothing: float = 0.0
    votes_share: float = 1.0
    ema: float = 0.99
    mixed_precision: bool = False
    keep: str = "last"
    augmentation: Augmentation = field(
        default_factory=lambda: Augmentation(rotate_deg=10, shift=0.06, scale=0.1, shear=0.05, erase=0.1)
    )


RECIPES: dict[str, Recipe] = {
    "smoke": Smoke(),
    "quick": Quick(),
    "strong": Strong(),
    "distil": Distil(),
    "robust": Robust(),
    "voters": Voters(),
    "voters_on": VotersOn(),
    "compare": Compare(),
    "contrast": Contrast(),
}
