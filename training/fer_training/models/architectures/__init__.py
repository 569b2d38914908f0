"""The architectures by name; each builds a plain `keras.Model` for 48x48 luma.

A network takes FP32 [N, 48, 48, 1] in [-1, 1] and gives FP32 logits [N, K]. It is made of Keras's own layers
alone, so its `.keras` file opens without this package.
"""

from collections.abc import Callable

import keras

from fer_training.models.architectures.basic_cnn import basic_cnn
from fer_training.models.architectures.convnext import convnext
from fer_training.models.architectures.densenet import densenet
from fer_training.models.architectures.generative_contrastive import (
    generative_contrastive,
    generative_contrastive_query,
)
from fer_training.models.architectures.inception import inception
from fer_training.models.architectures.mini_xception import mini_xception
from fer_training.models.architectures.mobile import efficientnet, mobilenet
from fer_training.models.architectures.repvgg import repvgg
from fer_training.models.architectures.residual import resnet, resnet_medium, resnet_small, se_resnet
from fer_training.models.architectures.residual_masking import residual_masking
from fer_training.models.architectures.vgg import vgg

ARCHITECTURES: dict[str, Callable[[int], keras.Model]] = {
    "basic_cnn": basic_cnn,
    "vgg": vgg,
    "inception": inception,
    "resnet": resnet,
    "resnet_small": resnet_small,
    "resnet_medium": resnet_medium,
    "se_resnet": se_resnet,
    "densenet": densenet,
    "mini_xception": mini_xception,
    "mobilenet": mobilenet,
    "efficientnet": efficientnet,
    "convnext": convnext,
    "repvgg": repvgg,
    "residual_masking": residual_masking,
    "generative_contrastive": generative_contrastive,
    "generative_contrastive_query": generative_contrastive_query,
}
