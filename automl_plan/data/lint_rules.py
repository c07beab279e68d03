"""The named rules of the data lint, one table, and their findings.

To add a rule, name it here and report it somewhere. A rule on rows that is an error by itself says
that the service refuses the row: no other rule counts it. A configuration that softens the rule, or
turns it off, says that the service takes the row: all other rules check it like any other.
"""

from __future__ import annotations

from collections.abc import Mapping

from automl_plan.data.lint_rule import FOLDER_RULES, OWN, LintRule, Severity
from automl_plan.data.row_layout import HINTS

_PROTO = "proto: io.proto, InputConfig"
_PREPARE = 'Google\'s page "Preparing your training data"'
_PREPARE_BOXES = 'Google\'s page "Preparing your training data" of object detection'
_FORMAT = 'Google\'s page "Formatting a training data CSV" of object detection'
_PREPARE_VERTEX = 'Google\'s pages "Prepare image training data" of Vertex AI'
_QUOTAS = 'Google\'s page "Quotas and limits" of AutoML Vision'
_BOX_QUOTAS = "a repository that cites Google's page on quotas of object detection"
_CSV = "RFC 4180, which the service's CSVs follow as far as is known"
_ERROR, _WARNING, _NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE

_TABLE = (
    # -- the file ----------------------------------------------------------------------------
    LintRule(
        "csv-unreadable",
        _ERROR,
        "Each import file exists and can be read.",
        "Sources are gs://BUCKET/OBJECT.csv, or relative to the configuration's directory.",
        _PROTO,
    ),
    LintRule(
        "csv-name",
        _ERROR,
        "The name of an import file ends in .csv or .jsonl.",
        "Rename the file.",
        f"{_FORMAT}; {_PREPARE_VERTEX}",
    ),
    LintRule(
        "csv-size",
        _ERROR,
        "An import file is at most 100 MB.",
        "Split it, and list the parts under sources.",
        _PROTO,
    ),
    LintRule(
        "csv-empty", _ERROR, "An import file has rows.", "Write a row for each image.", _PROTO
    ),
    LintRule(
        "csv-encoding", _ERROR, "An import file is UTF-8.", "Save the file as UTF-8.", _FORMAT
    ),
    LintRule(
        "byte-order-mark",
        _WARNING,
        "An import file begins with its first row, not with a byte order mark.",
        "Save the file as UTF-8 without a byte order mark.",
        OWN,
    ),
    LintRule(
        "csv-syntax",
        _ERROR,
        "Rows can be parsed: quotes are closed, and no line is longer than a megabyte.",
        "Quote a field only if it needs quotes, and double a quote inside of it.",
        _CSV,
    ),
    LintRule(
        "json-line",
        _ERROR,
        "A line of a .jsonl file is a JSON object of one of Vertex AI's schemas of images.",
        HINTS["json-line"],
        _PREPARE_VERTEX,
    ),
    LintRule(
        "json-annotations",
        _WARNING,
        "The annotations of a line are those of the schema for its kind of dataset.",
        "Write classificationAnnotation for one label, classificationAnnotations for several, "
        "boundingBoxAnnotations for boxes.",
        f"{_PREPARE_VERTEX}; whether an import takes others is not documented",
    ),
    LintRule(
        "csv-delimiter",
        _ERROR,
        "The fields of a row are separated by commas.",
        HINTS["csv-delimiter"],
        _PROTO,
    ),
    LintRule(
        "header-line",
        _ERROR,
        "An import CSV has no header and no comments: its first line is a row.",
        HINTS["header-line"],
        _FORMAT,
    ),
    *FOLDER_RULES,
    # -- the row -----------------------------------------------------------------------------
    LintRule(
        "row-shape",
        _ERROR,
        "A row has the fields that its kind of dataset requires.",
        "Write ML_USE,PATH,LABEL for classification, ML_USE,PATH,LABEL and eight fields of a box "
        "for object detection.",
        _PROTO,
    ),
    LintRule(
        "ml-use",
        _ERROR,
        "The first field of a row names the set of the image (ML_USE).",
        HINTS["ml-use"],
        _PROTO,
    ),
    LintRule(
        "index-column",
        _ERROR,
        "A row has no index before ML_USE.",
        HINTS["index-column"],
        _PROTO,
    ),
    LintRule(
        "ml-use-spelling",
        _NOTICE,
        "ML_USE is spelled as in the API.",
        "Write TRAIN, VALIDATION, TEST or UNASSIGNED, in capitals.",
        f"{_PROTO}; pages of object detection and Vertex AI have other spellings",
    ),
    LintRule("no-image", _ERROR, "A row names an image.", "Write its path, or gs:// URI.", _PROTO),
    LintRule(
        "image-path",
        _ERROR,
        "An image is gs://BUCKET/OBJECT, or a file below the configuration's directory.",
        "Paths are relative to the configuration's directory; in Cloud Storage, write gs:// URIs.",
        _PROTO,
    ),
    LintRule(
        "bucket-mismatch",
        _WARNING,
        "Images are in the same bucket as the CSV that names them.",
        "Put the images and their CSV into one bucket.",
        _FORMAT,
    ),
    LintRule(
        "image-type",
        _ERROR,
        "The type of an image is supported for its kind of dataset.",
        "Save the image as JPEG, PNG or GIF.",
        f"{_PROTO}; {_PREPARE_VERTEX}",
    ),
    LintRule(
        "image-type-documented",
        _WARNING,
        "The provider documents the type of an image everywhere, not in one place only.",
        "Save the image as JPEG, PNG or GIF.",
        f"{_PREPARE_VERTEX}: WebP and TIFF are in its schemas, and not in its list for trainings",
    ),
    LintRule(
        "label-syntax",
        _ERROR,
        "A label has at most 128 characters, none of them a control character.",
        "Rename the label.",
        "proto of Vertex AI: AnnotationSpec.display_name",
    ),
    LintRule(
        "label-documented",
        _WARNING,
        "A label is as the provider's documentation describes labels.",
        "Rename the label, or turn the rule off: lint: {label-documented: off}.",
        f"proto: AnnotationSpec.display_name; {_PREPARE_VERTEX}; the services took other labels",
    ),
    LintRule(
        "set-documented",
        _WARNING,
        "A row of boxes has a set, and an image without a box the empty fields of one.",
        "Write ML_USE,PATH,LABEL and eight fields of a box; UNASSIGNED is a set, too.",
        f"{_FORMAT}; AutoML's console says that the set may be left out",
    ),
    LintRule(
        "label-injection",
        _ERROR,
        "A label does not begin like a spreadsheet formula.",
        "Rename the label: it must not begin with = + - @.",
        'OWASP, "CSV Injection"; proto: AnnotationSpec.display_name',
    ),
    LintRule(
        "several-labels",
        _ERROR,
        "In a MULTICLASS dataset an image has at most one label.",
        "Keep one label, or declare classification_type: MULTILABEL (--kind multilabel).",
        "proto: ClassificationType",
    ),
    LintRule(
        "box-label",
        _ERROR,
        "A box has a label, and a label has a box.",
        "Write both, or leave all nine fields empty where there is no object.",
        _PROTO,
    ),
    LintRule(
        "box-vertices",
        _ERROR,
        "A box has four vertices of an upright rectangle, in any order, or two opposite ones.",
        "Write x,y,x,y,x,y,x,y, or x,y,,,x,y,,.",
        _PROTO,
    ),
    LintRule(
        "box-coordinates",
        _ERROR,
        "Coordinates are numbers from 0 to 1.",
        "Divide x by the image's width and y by its height.",
        _PROTO,
    ),
    LintRule(
        "box-size",
        _ERROR,
        "Each edge of a box is at least 0.01 of the image's side.",
        "Draw a larger box, or leave it out.",
        _PROTO,
    ),
    LintRule(
        "box-count",
        _ERROR,
        "An image has at most 500 boxes.",
        "Cut the image into parts, or leave boxes out.",
        _PROTO,
    ),
    # -- the same thing twice ----------------------------------------------------------------
    LintRule(
        "row-repeated",
        _WARNING,
        "No row repeats another.",
        "Remove one of the rows: the import reports it as a failure.",
        'a partial failure that was recorded: "The label is already a ground truth."',
    ),
    LintRule(
        "labels-differ",
        _ERROR,
        "In a MULTICLASS dataset all rows of an image have the same label.",
        "Remove the incorrect row.",
        _PROTO,
    ),
    LintRule(
        "sets-differ",
        _ERROR,
        "An image is in one set.",
        "Keep the image in one set: a model can't be tested on an image that it was trained on.",
        _PROTO,
    ),
    # -- the images --------------------------------------------------------------------------
    LintRule(
        "image-missing",
        _ERROR,
        "Every image exists.",
        "Correct the path, or add the image; a path that is no gs:// URI is relative to the "
        "configuration's directory.",
        _PROTO,
    ),
    LintRule(
        "image-unreadable",
        _ERROR,
        "Every image can be read and decoded.",
        "Save the image again, or leave it out.",
        f"{_PROTO} (types of images); the embedded service fails a training on other ones",
    ),
    LintRule(
        "image-size",
        _ERROR,
        "An image is at most 30 MB.",
        "Make the image smaller: 1024 by 1024 pixels are enough for object detection.",
        f"{_PROTO}; {_PREPARE_BOXES}",
    ),
    LintRule(
        "image-pixels",
        _ERROR,
        "An image has no more pixels than the service decodes.",
        "Scale the image down.",
        "the embedded service, which fails a training on a decompression bomb",
    ),
    LintRule(
        "image-format",
        _WARNING,
        "The type of an image matches the extension of its name.",
        "Rename the file, or save it in the format of its extension.",
        OWN,
    ),
    LintRule(
        "box-pixels",
        _WARNING,
        "An edge of a box is at least 8 pixels long.",
        "Take a larger image, or leave the box out.",
        _PREPARE_BOXES,
    ),
    LintRule(
        "content-repeated",
        _WARNING,
        "No two images have the same content.",
        "Remove one of the two: images with equal content count as one.",
        _PROTO,
    ),
    LintRule(
        "content-labels-differ",
        _ERROR,
        "In a MULTICLASS dataset images with equal content have the same label.",
        "Remove the one with the incorrect label: images with equal content count as one.",
        _PROTO,
    ),
    LintRule(
        "content-in-two-sets",
        _ERROR,
        "Images with equal content are in the same set.",
        "Remove one of the two: it is undefined which set the service uses.",
        _PROTO,
    ),
    LintRule(
        "near-identical",
        _WARNING,
        "Images that look the same are in the same set.",
        "Move both into one set: a model can't be tested on an image that it was trained on.",
        f'N. Krawetz, "Kind of Like That" (the difference hash); what follows for sets is {OWN}',
    ),
    # -- the whole ---------------------------------------------------------------------------
    LintRule(
        "unlabelled-rows",
        _WARNING,
        "Every image of a classification dataset has a label.",
        "Label the images, or leave them out: they are not trained on.",
        'Google\'s page "Training Cloud-hosted models"',
    ),
    LintRule(
        "label-minimum",
        _ERROR,
        "Classification needs at least two labels, object detection one.",
        "Add images of another label.",
        f"{_QUOTAS}; {_BOX_QUOTAS}",
    ),
    LintRule(
        "label-quota",
        _WARNING,
        "A dataset has at most 5,000 labels, of boxes 1,000.",
        "Merge labels, or split the dataset.",
        f"{_QUOTAS}; {_BOX_QUOTAS}",
    ),
    LintRule(
        "image-quota",
        _WARNING,
        "A dataset has at most 1,000,000 images, of object detection 150,000.",
        "Split the dataset, or take a sample.",
        f"{_QUOTAS}; {_BOX_QUOTAS}",
    ),
    LintRule(
        "box-quota",
        _WARNING,
        "A dataset has at most 1,000,000 boxes.",
        "Split the dataset, or take a sample.",
        _BOX_QUOTAS,
    ),
    LintRule(
        "label-under-10",
        _ERROR,
        "A label has at least 10 examples.",
        "Add examples of the label, or remove it.",
        f"{_QUOTAS}; {_PREPARE_BOXES}",
    ),
    LintRule(
        "label-under-100",
        _WARNING,
        "A label has at least 100 examples.",
        "Add examples of the label.",
        _PREPARE_BOXES,
    ),
    LintRule(
        "label-under-1000",
        _NOTICE,
        "A label has the 1,000 examples that Google recommends.",
        "Add examples of the label, or turn the rule off: lint: {label-under-1000: off}.",
        f"{_PREPARE}; {_PREPARE_BOXES}",
    ),
    LintRule(
        "label-balance",
        _WARNING,
        "The most common label has at most 100 times the examples of the least common one.",
        "Add examples of the rare labels.",
        _PREPARE,
    ),
    LintRule(
        "label-alike",
        _WARNING,
        "No two labels differ only in letter case, spaces, or how letters are composed.",
        "Rename one of them, if they are meant as one label.",
        OWN,
    ),
    LintRule(
        "set-empty",
        _WARNING,
        "When the import files assign sets, none of the three is empty.",
        "Assign images to it, or let the service choose all sets: UNASSIGNED.",
        f"a repository that cites Google's page; {OWN}",
    ),
    LintRule(
        "label-not-in-train",
        _WARNING,
        "When the import files assign sets, every label is in TRAIN.",
        "Move examples of the label to TRAIN.",
        OWN,
    ),
    LintRule(
        "label-not-in-validation",
        _WARNING,
        "When the import files assign sets, every label is in VALIDATION.",
        "Move examples of the label to VALIDATION.",
        OWN,
    ),
    LintRule(
        "label-not-in-test",
        _WARNING,
        "When the import files assign sets, every label is in TEST.",
        "Move examples of the label to TEST: without any, it is not evaluated.",
        OWN,
    ),
)

RULES: Mapping[str, LintRule] = {rule.id: rule for rule in _TABLE}
"""By id."""
REFUSED = frozenset(rule.id for rule in _TABLE if rule.severity is Severity.ERROR)
"""Rules that exclude the rows which break them, unless a configuration softens them."""
