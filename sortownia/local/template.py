"""The package's CloudFormation template, read for what the local stack must know of it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from infra.package import TEMPLATE, ZIP, with_code_uri
from sortownia.local.error import LocalError


@dataclass(frozen=True, slots=True)
class Template:
    """A packaged template and the archive of code beside it."""

    body: dict[str, Any]
    archive: Path

    @classmethod
    def read(cls, package: Path) -> Self:
        """The template of a folder made by `make package`. Raises `LocalError` when it is incomplete."""
        template, archive = package / TEMPLATE, package / ZIP
        for path in (template, archive):
            if not path.is_file():
                raise LocalError(f"{path} is missing: run `make package`.")
        return cls(json.loads(template.read_text("utf-8")), archive)

    def with_code(self, bucket: str, key: str) -> bytes:
        """The template as JSON with every function's code in S3."""
        return json.dumps(with_code_uri(self.body, bucket, key)).encode()

    @property
    def parameters(self) -> frozenset[str]:
        """Names of the parameters the template takes."""
        return frozenset(self.body.get("Parameters", {}))

    @property
    def api_stage(self) -> str:
        """The first path part of the API's own address."""
        for properties in self._of_type("AWS::Serverless::Api").values():
            return str(properties["StageName"])
        raise LocalError("The template has no API.")

    def function(self, name: str) -> str:
        """Logical id of a function of app.py. Raises `KeyError`."""
        for logical_id, properties in self._of_type("AWS::Serverless::Function").items():
            if properties["Handler"] == f"app.{name}":
                return logical_id
        raise KeyError(name)

    def _of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        return {k: r["Properties"] for k, r in self.body["Resources"].items() if r["Type"] == kind}
