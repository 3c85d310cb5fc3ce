"""What words mean, as vectors learnt from other texts than ours: words used alike point alike.

They are WordLlama's (MIT): one vector for each of 32,000 pieces of words, in the package itself, so that nothing is
fetched. It knows English best; of other languages it knows too little to help where pieces of words are counted, too.
"""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from training.calibrate import Floats

_PACKAGE: Final = "wordllama"
_TOKENS: Final = "tokenizers/l2_supercat_tokenizer_config.json"
_VECTORS: Final = "weights/l2_supercat_256.safetensors"
_STARTS_WORD: Final = "▁"


def vectors(words: Sequence[str]) -> Floats:
    """One row a word, of 256 numbers: the sum over the pieces it is made of."""
    tokenizer, known = _loaded()
    found = np.zeros((len(words), known.shape[1]), np.float32)
    for row, pieces in zip(found, tokenizer.encode_batch(list(words), add_special_tokens=False), strict=True):
        row[:] = known[pieces.ids].sum(axis=0)
    return found


def everyday_words() -> list[str]:
    """Words that are pieces by themselves, in alphabetical order: some 11,000 lowered ones of many languages."""
    tokenizer, _ = _loaded()
    whole = [piece[1:] for piece in tokenizer.get_vocab() if piece.startswith(_STARTS_WORD)]
    return sorted(word for word in whole if len(word) > 1 and word.isalpha() and word.islower())


@cache
def _loaded() -> tuple[Any, Floats]:
    """The package is read, not imported: that would set up logging for the whole process."""
    from safetensors.numpy import load_file  # the retraining job, whose models do without meanings, has none of these
    from tokenizers import Tokenizer

    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{_PACKAGE} is not installed")
    folder = Path(spec.origin).parent
    (known,) = load_file(folder / _VECTORS).values()
    return Tokenizer.from_file(str(folder / _TOKENS)), known.astype(np.float32)
