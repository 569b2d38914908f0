"""What a run learns: expressions, or valence and arousal. Targets, loss, and the figures that an epoch is judged by."""

from abc import ABC, abstractmethod
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fer_client.errors import UsageError
from fer_training.data.batches import TrainingSet, all_votes, has_votes_head, training_set
from fer_training.data.circumplex import affect_targets, target_source
from fer_training.data.dataset import Dataset, majority_classes
from fer_training.evaluation.affect_metrics import DIMENSIONS, summarise_affect
from fer_training.evaluation.metrics import accuracy, negative_log_likelihood, softmax
from fer_training.evaluation.voters import majority_figures
from fer_training.fitting.affect_head import training_rows
from fer_training.fitting.affect_loss import affect_loss
from fer_training.fitting.distill import with_teachers
from fer_training.fitting.history import Epoch
from fer_training.fitting.run import Run
from fer_training.models.affect import new_affect_record
from fer_training.models.prediction import predict_logits
from fer_training.models.record import new_record
from fer_training.recipes import VALENCE_AROUSAL


class Objective(ABC):
    """One of the things that a network can learn from a dataset."""

    loss: Any = None

    def __init__(self, run: Run, dataset: Dataset) -> None:
        self.run, self.dataset = run, dataset

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Number of the network's outputs."""

    @property
    @abstractmethod
    def chosen_by(self) -> str:
        """Name of an epoch's figure that says which weights are best."""

    @abstractmethod
    def training_set(self) -> TrainingSet:
        """Rows to learn from, with their targets."""

    @abstractmethod
    def judge(self, model: keras.Model) -> dict[str, float | None]:
        """Figures of an epoch on PublicTest."""

    @abstractmethod
    def record(self, finished: Epoch) -> dict[str, Any]:
        """Describe a network after an epoch, for its record."""


class Expressions(Objective):
    """The classes of a dataset, from labels, votes and teachers."""

    @property
    def outputs(self) -> int:
        """One for each class."""
        return len(self.dataset.label_names)

    @property
    def chosen_by(self) -> str:
        """The figure by whom the network learns from alone."""
        if self.run.recipe.votes_share < 1 or self.dataset.votes is None:
            return "validation_accuracy"
        votes = self.dataset.votes[self.dataset.rows("PublicTest")]
        has_majorities = (majority_classes(votes, self.dataset.label_names) >= 0).any()
        return "validation_majority_accuracy" if has_majorities else "validation_accuracy"

    def training_set(self) -> TrainingSet:
        """Rows with the targets of labels, votes and teachers."""
        run, data = self.run, training_set(self.dataset, self.run.recipe)
        return with_teachers(data, run.teachers, self.dataset.label_names, run.recipe)

    def judge(self, model: keras.Model) -> dict[str, float | None]:
        """Measure by the labels and, where the data has votes, by the voters."""
        rows = self.dataset.rows("PublicTest")
        labels = np.asarray(self.dataset.labels[rows], np.int64)
        probabilities = softmax(predict_logits(model, self.dataset.images[rows]))
        return {
            "validation_loss": round(negative_log_likelihood(probabilities, labels), 5),
            "validation_accuracy": round(accuracy(probabilities, labels), 5),
            "validation_majority_accuracy": self._majority_accuracy(probabilities, rows),
        }

    def record(self, finished: Epoch) -> dict[str, Any]:
        """Describe the network, with the accuracies."""
        figures: dict[str, Any] = {"accuracy": finished.validation_accuracy}
        if finished.validation_majority_accuracy is not None:
            figures["voters"] = {"majority_accuracy": finished.validation_majority_accuracy}
        record = new_record(self.run.architecture, self.dataset, self.run.recipe, self.run.seed)
        return record | self.run.origins | {"epochs": finished.epoch, "metrics": {"PublicTest": figures}}

    def _majority_accuracy(self, probabilities: NDArray[np.float64], rows: NDArray[np.intp]) -> float | None:
        if self.dataset.votes is None:
            return None
        return majority_figures(probabilities, self.dataset.votes[rows], self.dataset.label_names)[
            "majority_accuracy"
        ]


class ValenceArousal(Objective):
    """Valence and arousal, from a dataset's own or from its votes."""

    loss = staticmethod(affect_loss)
    outputs = 2
    chosen_by = "validation_ccc"

    def training_set(self) -> TrainingSet:
        """Rows with valence and arousal [N, 2] and, where the recipe has a votes head, all votes beside them."""
        if self.run.teachers or self.run.recipe.distillation:
            raise UsageError(
                "Expected a recipe without teachers for valence and arousal, since they answer with expressions. "
                "Choose another recipe, and leave --teacher out."
            )
        rows, targets = training_rows(self.dataset, self.run.recipe)
        if has_votes_head(self.dataset, self.run.recipe):
            targets = np.hstack([targets, all_votes(np.asarray(self.dataset.votes)[rows])])
        return TrainingSet(self.dataset.images, rows, targets, np.ones(len(rows), np.float32), self.outputs)

    def judge(self, model: keras.Model) -> dict[str, float | None]:
        """Measure concordance, and how often the signs are right."""
        rows, targets = affect_targets(self.dataset, "PublicTest")
        answers = np.clip(predict_logits(model, self.dataset.images[rows]), -1, 1)
        figures = summarise_affect(answers, targets)
        signs = [figures[name]["sign_agreement"] or 0.0 for name in DIMENSIONS]
        return {
            "validation_loss": round(float(affect_loss(targets, answers)), 5),
            "validation_accuracy": round(float(np.mean(signs)), 5),
            "validation_ccc": figures["ccc"],
        }

    def record(self, finished: Epoch) -> dict[str, Any]:
        """Describe the network; its figures come with `fer-train evaluate`."""
        run, source = self.run, target_source(self.dataset)
        record = new_affect_record(run.architecture, self.dataset, run.recipe, run.seed, source)
        return record | run.origins | {"epochs": finished.epoch}


def objective(run: Run, dataset: Dataset) -> Objective:
    """The objective that the run asks for."""
    return ValenceArousal(run, dataset) if run.target == VALENCE_AROUSAL else Expressions(run, dataset)
