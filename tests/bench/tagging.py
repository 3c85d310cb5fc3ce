"""What tagging costs, beside the scikit-learn pipeline the model came from."""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import joblib

from chalicelib.world import PACKAGED_MODEL
from classifiers.artifact import load, pinned
from classifiers.text import Document, tagged_text
from sortownia.local import feed
from training.dataset import lines

KEPT: Final = Path("build/starter.joblib")
RUNS: Final = 5
_LOAD: Final = (
    "import sys; from pathlib import Path; from classifiers.artifact import load, pinned; "
    "load(Path(sys.argv[1]), pinned(Path(sys.argv[1])))"
)


def measure() -> dict[str, float]:
    """Milliseconds a message on one thread: best median of five runs over the same texts."""
    model, pipeline = load(PACKAGED_MODEL, pinned(PACKAGED_MODEL)), joblib.load(KEPT)
    texts = _texts()
    ours = _best(lambda text: model.tag("", text, "mail", evidence=False), texts)
    explained = _best(lambda text: model.tag("", text, "mail"), texts)
    theirs = _best(lambda text: pipeline.scores([Document(tagged_text("", text))]), texts[:400], runs=2)
    long = " ".join(mail.body for mail in feed.sample_mails())[:1500]
    size = sum(path.stat().st_size for path in PACKAGED_MODEL.iterdir())
    return {
        "tag_p50_ms": round(ours, 4),
        "tag_with_evidence_p50_ms": round(explained, 4),
        "tag_sklearn_p50_ms": round(theirs, 4),
        "tag_speedup_vs_sklearn": round(theirs / ours, 1),
        "tag_1500_chars_ms": round(_best(lambda text: model.tag("", text, "mail", evidence=False), [long] * 50), 3),
        "model_mb": round(size / 1e6, 2),
        "load_ms": round(_load_ms(), 1),
    }


def _texts() -> list[str]:
    """2,000 questions of bank customers where they are at hand, else chats of the corpus."""
    asked = Path(os.environ.get("SORTOWNIA_SHARED", "../shared")) / "data/banking77/train.jsonl.gz"
    if asked.exists():
        return [str(line.fields["text"]) for line in islice(lines(asked), 2_000)]
    return [str(line.fields["body"]) for line in lines(Path("training/corpus/en-chat.jsonl"))] * 8


def _best(tag: Callable[[str], Any], texts: Sequence[str], runs: int = RUNS) -> float:
    return min(statistics.median(_timed(tag, text) for text in texts) for _ in range(runs))


def _timed(tag: Callable[[str], Any], text: str) -> float:
    started = time.perf_counter()
    tag(text)
    return 1000 * (time.perf_counter() - started)


def _load_ms() -> float:
    """CPU (user and system) of import and load in a fresh process, above an empty one; median of seven."""
    loading = statistics.median(_cpu_ms([sys.executable, "-c", _LOAD, str(PACKAGED_MODEL)]) for _ in range(7))
    return loading - statistics.median(_cpu_ms([sys.executable, "-c", "pass"]) for _ in range(7))


def _cpu_ms(command: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
