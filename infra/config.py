"""Chalice's own configuration: sizes, time limits and roles. Environments come from the merged template."""

from collections.abc import Sequence
from typing import Final

from infra.functions import FUNCTIONS, Function
from infra.intrinsics import Json
from infra.policies import policy_file

STAGE: Final = "stack"
LOG_RETENTION_DAYS: Final = 30


def chalice_config(functions: Sequence[Function] = FUNCTIONS) -> Json:
    """The content of `.chalice/config.json`."""
    return {
        "version": "2.0",
        "app_name": "sortownia",
        "api_gateway_stage": "api",
        "api_gateway_endpoint_type": "REGIONAL",
        "minimum_compression_size": 1024,
        "autogen_policy": False,
        "automatic_layer": False,
        "lambda_architecture": "x86_64",
        "log_retention_in_days": LOG_RETENTION_DAYS,
        "stages": {STAGE: {"lambda_functions": {f.name: _sizes(f) for f in functions}}},
    }


def _sizes(function: Function) -> Json:
    return {
        "lambda_memory_size": function.memory_mb,
        "lambda_timeout": function.timeout_seconds,
        "iam_policy_file": policy_file(function),
    }
