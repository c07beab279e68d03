"""Bad input, and where exactly each is to be reported. The words are in golden/messages.txt."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.config.writing import GOOD

_DS = "datasets:\n  d:\n    image_classification: {classification_type: MULTICLASS}\n"
_OD = "datasets:\n  d:\n    image_object_detection: {}\n"
_VARS = "variables:\n  n: {type: integer, default: 8000}\n"


def _model(kind: str, *more: str) -> str:
    lines = "".join(f"    {line}\n" for line in more)
    return f"{_DS}models:\n  m:\n    dataset: d\n    image_classification: {kind}\n{lines}"


def _life(line: str) -> str:
    return _model("{train_budget_milli_node_hours: 8000}", line)


def _on_boxes(kind: str, *inner: str) -> str:
    lines = "".join(f"      {line}\n" for line in inner)
    return f"{_OD}models:\n  m:\n    dataset: d\n    {kind}:\n{lines}"


@dataclass(frozen=True)
class Case:
    name: str
    files: dict[str, str | bytes] | str | bytes
    expected: list[str]
    variables: dict[str, str] = field(default_factory=dict)
    var_files: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def written(self) -> dict[str, str | bytes]:
        return self.files if isinstance(self.files, dict) else {"a.automl.yaml": self.files}


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n"
    for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)

CASES = [
    # Files and YAML
    Case("empty-directory", {}, ["{dir}:0:0 no-configuration"]),
    Case(
        "only-hidden-and-other-files",
        {".a.yaml": "x", "b.txt": "x"},
        ["{dir}:0:0 no-configuration"],
    ),
    Case("tab", "datasets:\n\td: {}\n", ["a.automl.yaml:2:1 yaml-syntax"]),
    Case("unclosed", "datasets: {d: \n", ["a.automl.yaml:1:13 yaml-syntax"]),
    Case("colon-in-text", "a: b: c\n", ["a.automl.yaml:1:5 yaml-syntax"]),
    Case("two-documents", "datasets: {}\n---\nmodels: {}\n", ["a.automl.yaml:2:1 yaml-syntax"]),
    Case("latin-1", b"datasets:\n  caf\xe9: {}\n", ["a.automl.yaml:2:6 encoding"]),
    Case("control-character", "datasets:\n  x\x00: {}\n", ["a.automl.yaml:2:4 encoding"]),
    Case("utf-16", "datasets: {}".encode("utf-16"), ["a.automl.yaml:1:1 encoding"]),
    Case("large-file", b"#" * 10_000_001, ["a.automl.yaml:0:0 file-size"]),
    Case("root-list", "- a\n", ["a.automl.yaml:1:1 wrong-type"]),
    Case("root-text", "hello\n", ["a.automl.yaml:1:1 wrong-type"]),
    Case("key-twice", GOOD + "models: {}\n", ["a.automl.yaml:11:1 duplicate-key"]),
    Case(
        "keys-twice-inside",
        "datasets:\n  d:\n    image_object_detection: {}\n    labels: {a: b, a: c}\n  d: {}\n",
        ["a.automl.yaml:4:20 duplicate-key", "a.automl.yaml:5:3 duplicate-key"],
    ),
    Case(
        "number-as-key",
        "datasets:\n  1: {image_object_detection: {}}\n",
        ["a.automl.yaml:2:3 yaml-key"],
    ),
    Case("list-as-key", "datasets:\n  ? [a]\n  : {}\n", ["a.automl.yaml:2:5 yaml-key"]),
    Case(
        "python-tag",
        "datasets: !!python/object/apply:os.system [ls]\n",
        ["a.automl.yaml:1:11 yaml-tag"],
    ),
    Case(
        "own-tag",
        _DS + "    description: !secret x\n",
        ["a.automl.yaml:4:18 yaml-tag"],
    ),
    Case("alias-bomb", BOMB, ["a.automl.yaml:5:36 yaml-alias"]),
    Case("alias-to-itself", "datasets: &d\n  d: *d\n", ["a.automl.yaml:2:6 yaml-alias"]),
    Case("alias-to-nothing", "datasets: *d\n", ["a.automl.yaml:1:11 yaml-alias"]),
    Case("deep", "a: " + "[" * 60 + "]" * 60, ["a.automl.yaml:1:53 yaml-depth"]),
    Case(
        "merge-of-text",
        "datasets:\n  d: {<<: x, image_object_detection: {}}\n",
        ["a.automl.yaml:2:11 yaml-syntax"],
    ),
    Case(
        "merge-key-twice",
        "datasets:\n  d: &d {image_object_detection: {}}\n"
        "  e:\n    <<: *d\n    labels: {}\n    <<: *d\n",
        ["a.automl.yaml:6:5 duplicate-key"],
    ),
    Case(
        "infinite",
        "provider:\n  local: {time_scale: .inf}\n",
        ["a.automl.yaml:2:23 yaml-number"],
    ),
    Case(
        "not-a-number",
        "provider:\n  local: {time_scale: .nan}\n",
        ["a.automl.yaml:2:23 yaml-number"],
    ),
    Case(
        "huge-number",
        _DS + "    description: " + "9" * 5000 + "\n",
        ["a.automl.yaml:4:18 yaml-number"],
    ),
    Case(
        "two-broken-files",
        {"a.automl.yaml": "a: [", "b.automl.yml": "\tb: 1\n"},
        ["a.automl.yaml:1:4 yaml-syntax", "b.automl.yml:1:1 yaml-syntax"],
    ),
    Case(
        "broken-file-makes-no-undefined-names",
        {
            "a.automl.yaml": "a: [",
            "b.automl.yaml": GOOD.split("models:")[1]
            .join(["models:", ""])
            .replace("8000", "${var.b}"),
        },
        ["a.automl.yaml:1:4 yaml-syntax"],
    ),
    # Sections
    Case("unknown-section", "dataset: {}\n", ["a.automl.yaml:1:1 unknown-key"]),
    Case("section-list", "datasets:\n  - d\n", ["a.automl.yaml:2:3 wrong-type"]),
    Case(
        "declared-in-two-files",
        {"a.automl.yaml": GOOD, "b.automl.yaml": "# again\n" + GOOD},
        ["b.automl.yaml:3:3 declared-twice", "b.automl.yaml:7:3 declared-twice"],
    ),
    Case(
        "two-providers",
        {"a.automl.yaml": "provider: {local: {}}\n", "b.automl.yaml": "provider:\n  local: {}\n"},
        ["b.automl.yaml:1:1 declared-twice"],
    ),
    Case(
        "bad-names",
        "datasets:\n"
        "  1d: {image_object_detection: {}}\n"
        "  a.b: {image_object_detection: {}}\n"
        "variables:\n"
        "  a-b: {default: x}\n",
        ["a.automl.yaml:2:3 name", "a.automl.yaml:3:3 name", "a.automl.yaml:5:3 name"],
    ),
    # Provider and state
    Case("no-provider", "provider: {}\n", ["a.automl.yaml:1:1 exactly-one"]),
    Case(
        "both-providers",
        "provider:\n  local: {}\n  automl: {project: p}\n",
        ["a.automl.yaml:3:3 exactly-one"],
    ),
    Case("provider-typo", "provider: {vertx: {project: p}}\n", ["a.automl.yaml:1:12 unknown-key"]),
    Case(
        "unknown-provider",
        "provider: {aws: {project: p}}\n",
        ["a.automl.yaml:1:1 exactly-one", "a.automl.yaml:1:12 unknown-key"],
    ),
    Case(
        "vertex-location",
        "provider:\n  vertex: {project: p, location: eu}\n",
        ["a.automl.yaml:2:34 location-form"],
    ),
    Case(
        "vertex-core-ml",
        "provider: {vertex: {project: p}}\n"
        "datasets: {d: {image_classification: {classification_type: MULTICLASS}}}\n"
        "models:\n  m:\n    dataset: d\n    image_classification:\n"
        "      model_type: mobile-core-ml-versatile-1\n"
        "      train_budget_milli_node_hours: 1000\n",
        ["a.automl.yaml:7:19 vertex-model-type"],
    ),
    Case(
        "vertex-core-ml-rehearsed",
        "provider: {local: {api: vertex}}\n"
        + _model("{model_type: mobile-core-ml-versatile-1, train_budget_milli_node_hours: 1000}"),
        ["a.automl.yaml:8:40 vertex-model-type"],
    ),
    Case(
        "vertex-display-name",
        "provider: {vertex: {project: p}}\n"
        "datasets:\n  with-dashes: {image_object_detection: {}}\n"
        "  d: {image_object_detection: {}, display_name: As Vertex AI takes it}\n"
        '  e: {image_object_detection: {}, display_name: "no\\nbreak"}\n'
        f"  f: {{image_object_detection: {{}}, display_name: {'x' * 129}}}\n",
        ["a.automl.yaml:5:49 display-name", "a.automl.yaml:6:49 display-name"],
    ),
    Case(
        "staging-bucket",
        "provider:\n  vertex:\n    project: p\n    staging_bucket: my-bucket\n"
        "datasets: {d: {image_object_detection: {}, sources: [a.csv, /a.csv, ../a.csv]}}\n",
        [
            "a.automl.yaml:4:21 staging-bucket",
            "a.automl.yaml:5:61 source-form",
            "a.automl.yaml:5:69 source-form",
        ],
    ),
    Case(
        "staging-bucket-bucket",
        "provider:\n  automl:\n    project: p\n    staging_bucket: gs://My-Bucket/x\n",
        ["a.automl.yaml:4:21 staging-bucket"],
    ),
    Case(
        "staging-bucket-folder",
        "provider:\n  automl:\n    project: p\n    staging_bucket: gs://bucket/a//b\n",
        ["a.automl.yaml:4:21 staging-bucket"],
    ),
    Case(
        "staging-bucket-leads-out",
        "provider:\n  automl:\n    project: p\n    staging_bucket: gs://bucket/../b\n",
        ["a.automl.yaml:4:21 staging-bucket"],
    ),
    Case(
        "staging-bucket-type",
        "provider:\n  automl:\n    project: p\n    staging_bucket: 1\n"
        "datasets: {d: {image_object_detection: {}, sources: [a.csv]}}\n",
        ["a.automl.yaml:4:21 wrong-type"],
    ),
    Case(
        "staging-bucket-local",
        "provider: {local: {staging_bucket: gs://bucket}}\n",
        ["a.automl.yaml:1:20 unknown-key"],
    ),
    Case(
        "vertex-local-source",
        "provider: {vertex: {project: p}}\n"
        "datasets: {d: {image_object_detection: {}, sources: [a.csv]}}\n",
        ["a.automl.yaml:2:54 source-form"],
    ),
    Case(
        "vertex-split",
        "datasets: {d: {image_classification: {classification_type: MULTICLASS}}}\n"
        "models:\n  m:\n    dataset: d\n"
        "    image_classification: {train_budget_milli_node_hours: 8000}\n"
        "    vertex:\n      split: {training: 0.8, validation: 0.1, test: 0.2}\n",
        ["a.automl.yaml:7:14 split-sum"],
    ),
    *(
        Case(
            f"vertex-split-{name}",
            _model("{train_budget_milli_node_hours: 8000}", f"vertex: {{split: {split}}}"),
            [f"a.automl.yaml:8:{place}" for place in places],
        )
        for name, split, *places in (
            ("misspelt", "asigned", "21 not-allowed"),
            ("true", "true", "21 wrong-type"),
            ("list", "[]", "21 wrong-type"),
            ("nothing", "null", "21 wrong-type"),
            ("no-fractions", "{}", *["14 missing-key"] * 3),
            ("twice", "{split: assigned}", *["14 missing-key"] * 3, "22 unknown-key"),
            ("null", "{training: null}", *["14 missing-key"] * 2, "32 wrong-type"),
            ("of-list", "{training: [1]}", *["14 missing-key"] * 2, "32 wrong-type"),
            ("of-nan", "{training: .nan, validation: 0, test: 0}", "32 yaml-number"),
            ("of-true", "{training: true, validation: 0, test: 0}", "32 wrong-type"),
            (
                "bounds",
                "{training: 2, validation: -1, test: 0}",
                "32 not-allowed",
                "47 not-allowed",
            ),
        )
    ),
    Case(
        "no-project",
        "provider:\n  automl: {location: us-central1}\n",
        ["a.automl.yaml:2:3 missing-key"],
    ),
    Case(
        "location",
        "provider:\n  automl: {project: p, location: europe-west4}\n",
        ["a.automl.yaml:2:34 not-allowed"],
    ),
    Case(
        "project-path", "provider:\n  automl: {project: a/b}\n", ["a.automl.yaml:2:21 project-id"]
    ),
    Case(
        "time-scale",
        "provider:\n  local: {time_scale: 0, trainer: Sklearn}\n",
        ["a.automl.yaml:2:23 not-allowed", "a.automl.yaml:2:35 not-allowed"],
    ),
    Case("no-state-path", "state: {local: {}}\n", ["a.automl.yaml:1:9 missing-key"]),
    Case("null-in-path", 'state: {local: {path: "a\\0b"}}\n', ["a.automl.yaml:1:23 path-form"]),
    Case("empty-path", 'provider: {local: {data_dir: ""}}\n', ["a.automl.yaml:1:30 path-form"]),
    # Variables
    Case(
        "undefined-variable",
        _VARS + _model("{train_budget_milli_node_hours: '${var.m}'}"),
        ["a.automl.yaml:9:59 undefined-variable"],
    ),
    Case(
        "bad-reference",
        _DS + "    description: ${env.HOME} ${var.a\n",
        ["a.automl.yaml:4:18 variable-syntax"],
    ),
    Case(
        "no-value",
        "variables:\n  b: {type: integer}\n"
        + _model("{train_budget_milli_node_hours: '${var.b}'}"),
        ["a.automl.yaml:2:3 variable-without-value"],
    ),
    Case(
        "cycle",
        "variables:\n"
        "  a: {default: '${var.b}'}\n"
        "  b: {default: 'x${var.c}'}\n"
        "  c: {default: '${var.a}'}\n"
        "  d: {default: '${var.a}'}\n",
        ["a.automl.yaml:2:16 variable-cycle"],
    ),
    Case(
        "cycle-of-one",
        "variables: {a: {default: '${var.a}'}}\n",
        ["a.automl.yaml:1:26 variable-cycle"],
    ),
    Case(
        "default-of-other-type",
        "variables:\n  a: {type: integer, default: 1_000}\n  b: {default: 5}\n",
        ["a.automl.yaml:2:31 variable-type", "a.automl.yaml:3:16 variable-type"],
    ),
    Case(
        "unknown-type",
        "variables:\n  a: {type: int, default: 1}\n",
        ["a.automl.yaml:2:13 not-allowed"],
    ),
    Case("undeclared-by-flag", _VARS, ["--var m:0:0 undeclared-variable"], variables={"m": "1"}),
    Case("wrong-flag", _VARS, ["--var n:0:0 variable-type"], variables={"n": "1_000"}),
    Case(
        "wrong-environment",
        _VARS,
        ["AUTOML_PLAN_VAR_n:0:0 variable-type"],
        environ={"AUTOML_PLAN_VAR_n": "hunter2"},
    ),
    Case(
        "var-file",
        {"a.automl.yaml": _VARS, "v.yaml": "# values\nn: '8000'\nm: 1\n"},
        ["v.yaml:2:4 variable-type", "v.yaml:3:1 undeclared-variable"],
        var_files=("v.yaml",),
    ),
    Case(
        "var-file-list",
        {"a.automl.yaml": _VARS, "v.json": "[1]"},
        ["v.json:1:1 wrong-type"],
        var_files=("v.json",),
    ),
    Case(
        "var-file-missing",
        {"a.automl.yaml": _VARS},
        ["v.yaml:0:0 unreadable-file"],
        var_files=("v.yaml",),
    ),
    Case(
        "text-for-number",
        "variables: {n: {default: many}}\n" + _model("{train_budget_milli_node_hours: '${var.n}'}"),
        ["a.automl.yaml:8:59 wrong-type"],
    ),
    Case(
        "escaped-reference",
        _model("{train_budget_milli_node_hours: '$${var.n}'}"),
        ["a.automl.yaml:7:59 wrong-type"],
    ),
    Case(
        "text-bomb",
        "variables:\n  a0: {default: aaaaaaaaaaaaaaaaaaaa}\n"
        + "".join(f"  a{i + 1}: {{default: '" + f"${{var.a{i}}}" * 20 + "'}\n" for i in range(5)),
        ["a.automl.yaml:5:17 variable-size"],
    ),
    Case(
        "var-file-text-that-is-read-as-something-else",
        {
            "a.automl.yaml": "variables: {a: {}, b: {}, c: {}, d: {}}\n",
            "v.yaml": "a: 1.10\nb: 1e3\nc: True\nd: 007\n",
        },
        [
            "v.yaml:1:4 variable-type",
            "v.yaml:2:4 variable-type",
            "v.yaml:3:4 variable-type",
            "v.yaml:4:4 yaml-number",
        ],
        var_files=("v.yaml",),
    ),
    Case(
        "default-text-that-is-read-as-something-else",
        "variables: {a: {default: 1.10}, b: {default: +1}}\n",
        ["a.automl.yaml:1:26 variable-type", "a.automl.yaml:1:46 variable-type"],
    ),
    Case("leading-zero-by-flag", _VARS, ["--var n:0:0 variable-type"], variables={"n": "010000"}),
    # Datasets
    Case("no-kind", "datasets:\n  d:\n    sources: [a.csv]\n", ["a.automl.yaml:2:3 exactly-one"]),
    Case("both-kinds", _DS + "    image_object_detection: {}\n", ["a.automl.yaml:4:5 exactly-one"]),
    Case("null-dataset", "datasets:\n  d:\n", ["a.automl.yaml:2:5 wrong-type"]),
    Case(
        "no-classification-type",
        "datasets:\n  d:\n    image_classification: {}\n",
        ["a.automl.yaml:3:5 missing-key"],
    ),
    Case(
        "classification-type-case",
        "datasets:\n  d:\n    image_classification: {classification_type: multiclass}\n",
        ["a.automl.yaml:3:49 not-allowed"],
    ),
    Case(
        "unknown-keys",
        _DS + "    displayName: x\n    source: [a.csv]\n    zzz: 1\n",
        [
            "a.automl.yaml:4:5 unknown-key",
            "a.automl.yaml:5:5 unknown-key",
            "a.automl.yaml:6:5 unknown-key",
        ],
    ),
    Case("source-as-text", _DS + "    sources: data/d.csv\n", ["a.automl.yaml:4:14 wrong-type"]),
    Case(
        "display-name", _DS + "    display_name: my digits\n", ["a.automl.yaml:4:19 display-name"]
    ),
    Case(
        "display-name-from-key", _DS.replace("d:", "my-digits:"), ["a.automl.yaml:2:3 display-name"]
    ),
    Case(
        "display-name-number", _DS + "    display_name: 2024\n", ["a.automl.yaml:4:19 wrong-type"]
    ),
    Case(
        "description",
        _DS + "    description: " + "x" * 25_001 + "\n",
        ["a.automl.yaml:4:18 description-length"],
    ),
    Case(
        "label-types",
        _DS + "    labels: {a: 1, b: true, c: ~}\n",
        [
            "a.automl.yaml:4:17 wrong-type",
            "a.automl.yaml:4:23 wrong-type",
            "a.automl.yaml:4:32 wrong-type",
        ],
    ),
    Case(
        "labels-that-are-read-as-something-else",
        "variables: {n: {type: integer, default: 8000}}\n"
        "datasets:\n"
        "  d:\n"
        "    image_classification: {classification_type: MULTICLASS}\n"
        "    labels: &l\n"
        + "".join(
            f"      {key}: {text}\n"
            for key, text in zip(
                "abcdefg", ("1.10", "0777", "1e3", "+1", "True", "${var.n}", "&x 1.0"), strict=True
            )
        )
        + "      h: *x\n"
        "  e:\n"
        "    image_classification: {classification_type: MULTICLASS}\n"
        "    labels: {<<: *l}\n",
        [
            "a.automl.yaml:6:10 wrong-type",
            "a.automl.yaml:7:10 yaml-number",
            *(f"a.automl.yaml:{line}:10 wrong-type" for line in range(8, 14)),
            *["a.automl.yaml:16:5 wrong-type"] * 7,
        ],
    ),
    Case(
        "label-keys",
        _DS + "    labels: {Team: x, 1a: x, 'a b': x, '': x}\n",
        [
            "a.automl.yaml:4:14 label-key",
            "a.automl.yaml:4:23 label-key",
            "a.automl.yaml:4:30 label-key",
            "a.automl.yaml:4:40 label-key",
        ],
    ),
    Case(
        "label-values",
        _DS + f"    labels: {{a: Vision, b: 'x y', c: {'x' * 65}}}\n",
        [
            "a.automl.yaml:4:17 label-value",
            "a.automl.yaml:4:28 label-value",
            "a.automl.yaml:4:38 label-value",
        ],
    ),
    Case(
        "label-count",
        _DS + "    labels: {" + ", ".join(f"k{i}: v" for i in range(64)) + "}\n",
        ["a.automl.yaml:4:5 label-count"],
    ),
    Case(
        "labels-reserved",
        _DS + "    labels: {automl-plan-token: x, goog-x: y, aiplatform.googleapis.com/z: IMAGE}\n",
        [
            "a.automl.yaml:4:14 label-reserved",
            "a.automl.yaml:4:36 label-reserved",
            "a.automl.yaml:4:47 label-reserved",
        ],
    ),
    Case(
        "sources",
        _DS
        + "    sources:\n"
        + "".join(
            f"    - {source}\n"
            for source in (
                "a.txt",
                "/a.csv",
                "../a.csv",
                "s3://b/a.csv",
                "gs://b.csv",
                "x/../../b.csv",
                "a.CSV",
                "data/a.json",
                "gs://b/photos/",
                "data/photos/*",
                "photos.d",
                "../photos/",
            )
        ),
        [f"a.automl.yaml:{line}:7 source-form" for line in range(5, 17)],
    ),
    Case(
        "folder-of-boxes",
        _OD + "    sources: [data/photos/]\n",
        ["a.automl.yaml:4:15 source-form"],
    ),
    Case(
        "folder-twice",
        _DS + "    sources: [data/photos/, data/photos]\n",
        ["a.automl.yaml:4:29 source-duplicates"],
    ),
    Case(
        "folder-in-cloud",
        "provider: {automl: {project: p}}\n" + _DS + "    sources: [data/photos/]\n",
        ["a.automl.yaml:5:15 source-form"],
    ),
    Case(
        "sources-twice",
        _DS + "    sources: [a.csv, ./a.csv, 'gs://b/a.csv', 'gs://b/a.csv']\n",
        ["a.automl.yaml:4:22 source-duplicates", "a.automl.yaml:4:47 source-duplicates"],
    ),
    Case(
        "local-source-in-cloud",
        "provider: {automl: {project: p}}\n" + _DS + "    sources: [a.csv]\n",
        ["a.automl.yaml:5:15 source-form"],
    ),
    Case(
        "json-lines-without-a-place-for-the-csv",
        "provider: {automl: {project: p}}\n"
        + _DS
        + "    sources: ['gs://b/a.jsonl', 'gs://b/part-*.csv', b.jsonl]\n",
        ["a.automl.yaml:5:15 source-form", "a.automl.yaml:5:54 source-form"],
    ),
    Case(
        "on-source-change", _DS + "    on_source_change: add\n", ["a.automl.yaml:4:23 not-allowed"]
    ),
    # Models
    Case("no-budget", _model("{}"), ["a.automl.yaml:7:5 missing-budget"]),
    Case(
        "no-budget-mobile",
        _model("{model_type: mobile-versatile-1}"),
        ["a.automl.yaml:7:5 missing-budget"],
    ),
    Case(
        "no-budget-detection",
        _on_boxes("image_object_detection", "model_type: cloud-low-latency-1"),
        ["a.automl.yaml:7:5 missing-budget"],
    ),
    Case(
        "budget-text",
        _model("{train_budget_milli_node_hours: 8_000}"),
        ["a.automl.yaml:7:59 wrong-type"],
    ),
    Case(
        "budget-octal",
        _model("{train_budget_milli_node_hours: 0o17500}"),
        ["a.automl.yaml:7:59 wrong-type"],
    ),
    Case(
        "budget-leading-zero",
        _model("{train_budget_milli_node_hours: 010000}"),
        ["a.automl.yaml:7:59 yaml-number"],
    ),
    Case(
        "budget-decimal-comma",
        _model('{train_budget_milli_node_hours: "8,5"}'),
        ["a.automl.yaml:7:59 wrong-type"],
    ),
    Case(
        "budget-fraction",
        _model("{train_budget_milli_node_hours: 8000.5}"),
        ["a.automl.yaml:7:59 wrong-type"],
    ),
    Case(
        "budget-bounds",
        _model("{train_budget_milli_node_hours: 1000}"),
        ["a.automl.yaml:7:59 budget-bounds"],
    ),
    Case(
        "budget-bounds-mobile",
        _model("{model_type: mobile-versatile-1, train_budget_milli_node_hours: 100001}"),
        ["a.automl.yaml:7:91 budget-bounds"],
    ),
    Case(
        "budget-key",
        _model("{train_budget: 8000}"),
        ["a.automl.yaml:7:5 missing-budget", "a.automl.yaml:7:28 unknown-key"],
    ),
    Case(
        "model-type",
        _model("{model_type: clod, train_budget_milli_node_hours: 8000}"),
        ["a.automl.yaml:7:40 model-type"],
    ),
    Case(
        "core-ml-detection",
        _on_boxes(
            "image_object_detection",
            "model_type: mobile-core-ml-versatile-1",
            "train_budget_milli_node_hours: 20000",
        ),
        ["a.automl.yaml:8:19 model-type"],
    ),
    Case(
        "base-model-detection",
        _on_boxes(
            "image_object_detection", "base_model_id: x", "train_budget_milli_node_hours: 20000"
        ),
        ["a.automl.yaml:8:7 base-model"],
    ),
    Case(
        "kind-mismatch",
        _on_boxes("image_classification", "train_budget_milli_node_hours: 8000"),
        ["a.automl.yaml:7:5 kind-mismatch"],
    ),
    Case(
        "undefined-dataset",
        GOOD.replace("dataset: digits", "dataset: digit"),
        ["a.automl.yaml:7:14 dataset-reference"],
    ),
    Case(
        "node-count",
        _model("{train_budget_milli_node_hours: 8000}", "deploy: {node_count: 101}"),
        ["a.automl.yaml:8:26 node-count"],
    ),
    Case(
        "no-nodes",
        _model("{train_budget_milli_node_hours: 8000}", "deploy: {node_count: 0}"),
        ["a.automl.yaml:8:26 node-count"],
    ),
    Case(
        "null-deploy",
        _model("{train_budget_milli_node_hours: 8000}", "deploy:"),
        ["a.automl.yaml:8:12 wrong-type"],
    ),
    Case(
        "model-display-name",
        _model("{train_budget_milli_node_hours: 8000}", "display_name: 1m"),
        ["a.automl.yaml:8:19 display-name"],
    ),
    Case(
        "no-dataset",
        "models:\n  m:\n    image_classification: {train_budget_milli_node_hours: 8000}\n",
        ["a.automl.yaml:2:3 missing-key"],
    ),
    # Gates, ages, protection
    Case("empty-gate", _life("require: {threshold: 0.4}"), ["a.automl.yaml:8:5 require-something"]),
    Case("unknown-metric", _life("require: {au_prk: 0.9}"), ["a.automl.yaml:8:15 unknown-key"]),
    Case(
        "metric-of-another-kind",
        _life("require: {each_label: {mean_average_precision: 0.5}}"),
        ["a.automl.yaml:8:28 metric-kind"],
    ),
    Case(
        "metrics-out-of-range",
        _life("require: {au_prc: 95, labels: {x: {f1: -0.1}}, threshold: 2, confidence: 1}"),
        [
            "a.automl.yaml:8:23 metric-bounds",
            "a.automl.yaml:8:44 metric-bounds",
            "a.automl.yaml:8:63 metric-bounds",
            "a.automl.yaml:8:78 metric-bounds",
        ],
    ),
    Case(
        "durations",
        _life("retrain: {before_expiry: 2 years, max_age: 700d}"),
        ["a.automl.yaml:8:30 duration", "a.automl.yaml:8:48 duration"],
    ),
    Case(
        "kept-versions",
        _life("lifecycle: {keep_versions: 101}"),
        ["a.automl.yaml:8:32 keep-versions"],
    ),
    Case(
        "ignored-fields",
        _life("lifecycle: {ignore_changes: [label, labels.team, deploy.nodes]}"),
        ["a.automl.yaml:8:34 ignore-changes", "a.automl.yaml:8:54 ignore-changes"],
    ),
    Case(
        "not-protected-by-words",
        _life("lifecycle: {prevent_destroy: yes}"),
        ["a.automl.yaml:8:34 wrong-type"],
    ),
    Case(
        "policy",
        GOOD + "policy: {max_training_cost: -1, deny: {'*': [destroy]}, warn: [all], alow: 1}\n",
        [
            "a.automl.yaml:11:29 policy-bounds",
            "a.automl.yaml:11:46 not-allowed",
            "a.automl.yaml:11:64 not-allowed",
            "a.automl.yaml:11:70 unknown-key",
        ],
    ),
    Case(
        "notify",
        GOOD
        + "notify:\n"
        + "  ops: {webhook: {url: 'ftp://x', secret_env: 'not a name'}}\n"
        + "  2nd: {command: []}\n"
        + "  two: {slack: {url_env: A}, command: [a]}\n"
        + "  no: {webhook: {}, events: [lunch]}\n"
        + "  none: {}\n",
        [
            "a.automl.yaml:12:24 notify-way",
            "a.automl.yaml:12:47 notify-way",
            "a.automl.yaml:13:8 notify-way",
            "a.automl.yaml:13:18 notify-way",
            "a.automl.yaml:14:8 notify-way",
            "a.automl.yaml:15:17 notify-way",
            "a.automl.yaml:15:30 not-allowed",
            "a.automl.yaml:16:9 notify-way",
        ],
    ),
    Case(
        "notify-email",
        GOOD
        + "notify:\n"
        + "  a: {email: {host: 'a b', port: 0, from: 'A <a@b>', to: [a@b.c, 'x@y\\n'], "
        + "username_env: 'a b'}}\n"
        + "  b: {email: {host: h, from: a@b, to: [], tls: none, password: secret}}\n"
        + "  c: {email: {to: [a@b]}}\n",
        [
            "a.automl.yaml:12:14 notify-email",
            "a.automl.yaml:12:21 notify-email",
            "a.automl.yaml:12:34 notify-email",
            "a.automl.yaml:12:43 notify-email",
            "a.automl.yaml:12:66 notify-email",
            "a.automl.yaml:12:90 notify-way",
            "a.automl.yaml:13:39 notify-email",
            "a.automl.yaml:13:48 not-allowed",
            "a.automl.yaml:13:54 unknown-key",
            "a.automl.yaml:14:7 missing-key",
            "a.automl.yaml:14:7 missing-key",
        ],
    ),
    # Moved, removed, imports
    Case(
        "addresses",
        GOOD + "moved: [{from: models.old, to: model.digits}]\n",
        ["a.automl.yaml:11:16 address"],
    ),
    Case(
        "moved-from-what-is-declared",
        GOOD + "moved: [{from: model.digits, to: model.digit}]\n",
        ["a.automl.yaml:11:16 block-declared", "a.automl.yaml:11:34 block-declared"],
    ),
    Case(
        "moved-to-another-kind",
        GOOD + "moved: [{from: dataset.old, to: model.digits}]\n",
        ["a.automl.yaml:11:33 moved-kind"],
    ),
    Case(
        "moved-twice",
        {
            "a.automl.yaml": GOOD + "moved: [{from: model.old, to: model.digits}]\n",
            "b.automl.yaml": "moved:\n  - {from: model.older, to: model.digits}\n",
        },
        ["b.automl.yaml:2:29 block-twice"],
    ),
    Case(
        "moved-in-a-circle",
        GOOD + "moved: [{from: model.a, to: model.b}, {from: model.b, to: model.a}]\n",
        ["a.automl.yaml:11:9 block-twice"],
    ),
    Case(
        "moved-in-two-circles",
        GOOD
        + "moved: [{from: model.a, to: model.b}, {from: model.b, to: model.a}, {from: model.c, "
        "to: model.d}, {from: model.d, to: model.c}]\n",
        ["a.automl.yaml:11:9 block-twice", "a.automl.yaml:11:69 block-twice"],
    ),
    Case(
        "removed-but-declared",
        GOOD + "removed: [{from: model.digits, action: forgive}]\n",
        ["a.automl.yaml:11:18 block-declared", "a.automl.yaml:11:40 not-allowed"],
    ),
    Case(
        "imports",
        GOOD + "imports: [{to: model.digit, id: a/b}, {to: model.digits, id: ICN1, as: x}]\n",
        [
            "a.automl.yaml:11:16 block-declared",
            "a.automl.yaml:11:33 object-id",
            "a.automl.yaml:11:68 unknown-key",
        ],
    ),
    Case("blocks-are-a-list", GOOD + "moved: {from: model.a}\n", ["a.automl.yaml:11:8 wrong-type"]),
    Case(
        "many-at-once",
        {
            "a.automl.yaml": GOOD.replace("MULTICLASS", "SINGLE").replace("8000", "80"),
            "b.automl.yaml": "provider: {local: {trainr: simulated}}\nstat: x\n",
        },
        [
            "a.automl.yaml:3:49 not-allowed",
            "a.automl.yaml:10:38 budget-bounds",
            "b.automl.yaml:1:20 unknown-key",
            "b.automl.yaml:2:1 unknown-key",
        ],
    ),
]
