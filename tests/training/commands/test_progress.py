"""How far a run is, in words."""

import dataclasses

from fer_training.commands.progress import Pace, epoch_line
from support.training_results import EPOCHS


def test_time_left_counts_the_steps_of_this_process_alone() -> None:
    pace = Pace()
    assert pace.left_s(done=500, total=1000, now_s=100.0) == 0
    assert pace.left_s(done=600, total=1000, now_s=150.0) == 200


def test_time_left_begins_anew_after_a_generators_epochs() -> None:
    pace = Pace()
    pace.left_s(done=1, total=10, now_s=0.0)
    assert pace.left_s(done=9, total=10, now_s=8.0) == 1
    assert pace.left_s(done=1, total=100, now_s=20.0) == 0
    assert pace.left_s(done=2, total=100, now_s=22.0) == 196


def test_an_epoch_in_words() -> None:
    assert epoch_line(EPOCHS[0], 90, 3725) == (
        "epoch 1/90  loss 1.5000  PublicTest loss 1.4000  accuracy 50.00 %  60 s  62:05 left"
    )
    voted = dataclasses.replace(EPOCHS[0], validation_majority_accuracy=0.8125)
    assert "accuracy 50.00 %  by most voters 81.25 %  60 s" in epoch_line(voted, 90, 3725)
