"""What SARIF 2.1.0 and GitHub's code scanning ask of the part of SARIF that we write.

Stricter than the standard's own schema: nothing else may stand in a document of ours.
"""

from __future__ import annotations

from typing import Any


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": sorted(required),
        "properties": {**required, **(optional or {})},
    }


_TEXT = {"type": "string", "minLength": 1}
_MESSAGE = _object({"text": _TEXT})
_NUMBER = {"type": "integer", "minimum": 1}
_URI = {"type": "string", "pattern": r"^(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+$"}
_FILE = {"type": "string", "pattern": r"^file:///(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+$"}
_ARTIFACT = {
    "oneOf": [
        _object({"uri": {**_URI, "not": {"pattern": "^/"}}, "uriBaseId": {"const": "%SRCROOT%"}}),
        _object({"uri": _FILE}),
    ]
}
_LOCATION = _object(
    {
        "physicalLocation": _object(
            {
                "artifactLocation": _ARTIFACT,
                "region": _object({"startLine": _NUMBER}, {"startColumn": _NUMBER}),
            }
        )
    },
    {
        "logicalLocations": {
            "type": "array",
            "minItems": 1,
            "items": _object({"fullyQualifiedName": _TEXT, "kind": {"const": "resource"}}),
        }
    },
)
_FINGERPRINT = {"type": "string", "pattern": "^[0-9a-f]{32}:[1-9][0-9]*$"}
_RESULT = _object(
    {
        "ruleId": _TEXT,
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": {"enum": ["error", "warning", "note"]},
        "message": _MESSAGE,
        "locations": {"type": "array", "minItems": 1, "maxItems": 1, "items": _LOCATION},
        "partialFingerprints": _object(
            {"automlPlan/v1": _FINGERPRINT, "primaryLocationLineHash": _FINGERPRINT}
        ),
    }
)
_DRIVER = _object(
    {
        "name": {"const": "automl-plan"},
        "version": _TEXT,
        "rules": {
            "type": "array",
            "uniqueItems": True,
            "items": _object({"id": _TEXT, "shortDescription": _MESSAGE}),
        },
    }
)
SARIF_SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    **_object(
        {
            "$schema": {"const": "https://json.schemastore.org/sarif-2.1.0.json"},
            "version": {"const": "2.1.0"},
            "runs": {
                "type": "array",
                "minItems": 1,
                "maxItems": 1,
                "items": _object(
                    {
                        "tool": _object({"driver": _DRIVER}),
                        "automationDetails": _object({"id": _TEXT}),
                        "columnKind": {"const": "unicodeCodePoints"},
                        "results": {"type": "array", "items": _RESULT},
                    }
                ),
            },
        }
    ),
}
