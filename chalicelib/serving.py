"""Which model tags: the one the bucket's pointer names, else the last good one, else the one that came with the code.

Looking never fails, and holds a message up for a second at the most, a process's first for three: intake does not wait
for a model.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from chalicelib import metrics
from chalicelib.aws.models import PACKAGED, Models, Unchanged
from chalicelib.errors import TriageError
from chalicelib.metrics import Metrics
from classifiers.artifact import ModelError, load
from classifiers.model import Model
from classifiers.sealed import Trust

log = logging.getLogger("sortownia")

#: The pointer is looked at as often as this, by each process, and only when there is something to tag.
LOOK_EVERY: Final = timedelta(seconds=30)
#: Seconds a message waits for the look, and the first of a process, which would else be tagged by the packaged model. A
#: look that takes longer goes on beside, and what it finds serves from then on.
LONGEST_WAIT: Final = 1.0
FIRST_WAIT: Final = 3.0


class Serving:
    """Keeps the model at work. For one thread, besides the one it looks with.

    `packaged` loads the model that came with the code, None where it is of no use. `models` is the bucket, None where
    none is configured. `fit` says why a sound model cannot serve this desk, '' where it can.
    """

    def __init__(
        self,
        packaged: Callable[[], Model | None],
        models: Models | None,
        trust: Trust,
        fit: Callable[[Model], str],
        counted: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._packaged, self._models, self._trust, self._fit = packaged, models, trust, fit
        self._metrics, self._now = counted, now
        self._model: Model | None = None
        self._serves = ""  # the name of the model at work, as pointers name it; '' before the first
        self._looked_at: datetime | None = None
        self._etag = ""
        self._refused: dict[str, str] = {}  # model id -> why: a model never changes, so it is not tried again
        self._told = ""
        self._looking: threading.Thread | None = None

    def model(self) -> Model | None:
        """The model to tag with now, None without any. Never raises."""
        if self._models is not None and self._is_time():
            self._look_for_a_moment(self._models)
        if not self._serves:
            self._serve(PACKAGED, self._packaged())
        return self._model

    def _is_time(self) -> bool:
        now, before = self._now(), self._looked_at
        if before is not None and timedelta() <= now - before < LOOK_EVERY:
            return False
        self._looked_at = now
        return True

    def _look_for_a_moment(self, models: Models) -> None:
        # A thread and not a client of its own with short timeouts: that would cost each start 20 ms.
        if self._looking is None or not self._looking.is_alive():
            self._looking = threading.Thread(target=self._look, args=(models,), daemon=True)
            self._looking.start()
        patience = LONGEST_WAIT if self._serves else FIRST_WAIT
        self._looking.join(patience)
        if self._looking.is_alive():
            self._tell(f"the bucket did not give it within {patience:g} s")

    def _look(self, models: Models) -> None:
        try:
            pointer = models.pointer(self._etag)
            if isinstance(pointer, Unchanged):
                self._told = ""
                return
            named = pointer.now.model_id if pointer else PACKAGED
            self._change(named, models)
        except (TriageError, ModelError) as problem:
            self._tell(str(problem))
            return
        # Only now: what could not be loaded is looked for again.
        self._etag, self._told = pointer.etag if pointer else "", ""

    def _change(self, named: str, models: Models) -> None:
        """Serves the model named, loaded beside the present one. Raises `TriageError`, `ModelError`."""
        if named == self._serves:
            return
        if named == PACKAGED:
            self._serves = ""  # whoever asks next loads it
            return
        if named in self._refused:
            raise ModelError(self._refused[named])
        try:
            self._serve(named, self._loaded(named, models))
        except ModelError as problem:
            self._refused[named] = str(problem)
            raise

    def _loaded(self, named: str, models: Models) -> Model:
        model = load(models.files(named), self._trust)
        if model.model_id != named:
            raise ModelError(f"models/{named}: is model {model.model_id}")
        if reason := self._fit(model):
            raise ModelError(f"models/{named}: {reason}")
        return model

    def _serve(self, name: str, model: Model | None) -> None:
        self._model, self._serves = model, name
        log.info("model %s serves", model.model_id if model else "none")

    def _tell(self, problem: str) -> None:
        """One line of the log for one problem, however often it is met; one more in the count each time."""
        if problem != self._told:
            log.error("model of the bucket not taken, %s goes on serving: %s", self._serves or PACKAGED, problem)
            self._told = problem
        self._metrics.count(metrics.MODEL_NOT_TAKEN)
