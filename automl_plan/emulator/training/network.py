"""A trained classifier as plain numbers: what is kept of it, and how it predicts."""

import io

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

_Numbers = NDArray[np.float32]


class Network(Struct, frozen=True):
    """A network of one hidden layer (ReLU).

    Its outputs are one per label: shares of 1 when an image has one label, else independent.
    """

    labels: tuple[str, ...]
    multilabel: bool
    mean: _Numbers
    hidden: _Numbers
    hidden_bias: _Numbers
    output: _Numbers
    output_bias: _Numbers

    def scores(self, images: _Numbers) -> NDArray[np.float64]:
        """The scores, from 0 to 1, of the labels (columns) for the pixels of images (rows)."""
        hidden = np.maximum((images - self.mean) @ self.hidden + self.hidden_bias, 0)
        raw = (hidden @ self.output + self.output_bias).astype(np.float64)
        if self.multilabel:
            return np.exp(-np.logaddexp(0, -raw))
        powers = np.exp(raw - raw.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def dump(self) -> bytes:
        """The bytes that `load` reads.

        They are arrays, not a pickled object: unpickling runs whatever the bytes say, and a data
        directory that somebody else can write to should not be able to run code.
        """
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            labels=np.array(self.labels, dtype=np.str_),
            multilabel=np.array(self.multilabel),
            mean=self.mean,
            hidden=self.hidden,
            hidden_bias=self.hidden_bias,
            output=self.output,
            output_bias=self.output_bias,
        )
        return buffer.getvalue()

    @classmethod
    def load(cls, artefact: bytes) -> "Network":
        """The network that was dumped."""
        with np.load(io.BytesIO(artefact), allow_pickle=False) as arrays:
            return cls(
                labels=tuple(str(label) for label in arrays["labels"]),
                multilabel=bool(arrays["multilabel"]),
                mean=arrays["mean"],
                hidden=arrays["hidden"],
                hidden_bias=arrays["hidden_bias"],
                output=arrays["output"],
                output_bias=arrays["output_bias"],
            )
