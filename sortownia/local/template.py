"""The package's CloudFormation template, read for what the local stack must know of it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from infra.package import TEMPLATE, ZIP, with_code_uri
from sortownia.local.error import LocalError

FUNCTION: Final = "AWS::Serverless::Function"


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

    def fitted(self, bucket: str, key: str, concurrency: int) -> bytes:
        """The template as JSON, with its code in S3 and at most so many workers for each queue's function."""
        body = with_code_uri(self.body, bucket, key)
        for function in _properties(body, FUNCTION).values():
            for event in function.get("Events", {}).values():
                scaling = event["Properties"].get("ScalingConfig")
                if scaling:
                    scaling["MaximumConcurrency"] = min(scaling["MaximumConcurrency"], concurrency)
        return json.dumps(body).encode()

    @property
    def parameters(self) -> frozenset[str]:
        """Names of the parameters the template takes."""
        return frozenset(self.body.get("Parameters", {}))

    @property
    def api_stage(self) -> str:
        """The first path part of the API's own address."""
        for properties in _properties(self.body, "AWS::Serverless::Api").values():
            return str(properties["StageName"])
        raise LocalError("The template has no API.")

    def function(self, name: str) -> str:
        """Logical id of a function of app.py. Raises `KeyError`."""
        for logical_id, properties in _properties(self.body, FUNCTION).items():
            if properties["Handler"] == f"app.{name}":
                return logical_id
        raise KeyError(name)


def _properties(body: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {k: r["Properties"] for k, r in body["Resources"].items() if r["Type"] == kind}
