"""The two architectures the demo compares, small enough for two cores: a residual network and a plain CNN."""

from __future__ import annotations

from types import ModuleType
from typing import Any

INPUT_SHAPE = (8, 8, 1)
CLASSES = 10
MODELS = ("resnet", "custom")
OPTIMIZERS = ("adam", "sgd", "rmsprop")
BATCH_NORM_MOMENTUM = 0.9
"""An epoch has ten steps here; Keras' 0.99 would still average over the untrained network after 30 epochs."""


def build(keras: ModuleType, model: str, optimizer: str, statics: dict[str, float]) -> Any:
    """A compiled, untrained model; its weights follow Keras' random seed.

    Args:
        keras: the module, as ``load_keras`` gives it.
        model: one of ``MODELS``.
        optimizer: one of ``OPTIMIZERS``.
        statics: the hyperparameters all trials share, as the demo's ``experiment-metadata`` component holds them.
    """
    inputs = keras.Input(INPUT_SHAPE)
    body = {"resnet": _residual_body, "custom": _custom_body}[model]
    outputs = keras.layers.Dense(CLASSES, activation="softmax")(body(keras, inputs))
    network = keras.Model(inputs, outputs, name=model)
    network.compile(
        optimizer=_optimizer(keras, optimizer, statics), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return network


def _optimizer(keras: ModuleType, name: str, statics: dict[str, float]) -> Any:
    shared = {"learning_rate": statics["learning-rate"], "weight_decay": statics["weight-decay"]}
    if name == "adam":
        return keras.optimizers.Adam(**shared)
    if name == "sgd":
        return keras.optimizers.SGD(momentum=statics["momentum"], **shared)
    return keras.optimizers.RMSprop(momentum=statics["momentum"], **shared)


def _residual_body(keras: ModuleType, inputs: Any) -> Any:
    layers = keras.layers
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(inputs)
    x = _normalised(layers, x)
    for filters, stride in ((8, 1), (16, 2)):
        x = _residual_block(layers, x, filters, stride)
    return layers.GlobalAveragePooling2D()(x)


def _residual_block(layers: Any, x: Any, filters: int, stride: int) -> Any:
    shortcut = x if stride == 1 else layers.Conv2D(filters, 1, strides=stride, use_bias=False)(x)
    y = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
    y = _normalised(layers, y)
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    y = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM)(y)
    return layers.Activation("relu")(layers.Add()([shortcut, y]))


def _normalised(layers: Any, x: Any) -> Any:
    return layers.Activation("relu")(layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM)(x))


def _custom_body(keras: ModuleType, inputs: Any) -> Any:
    layers = keras.layers
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(inputs)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(64, activation="relu")(x)
    return layers.Dropout(0.2)(x)
