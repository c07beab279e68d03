"""Services that answer badly: nothing that costs money is sent twice by guess."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from automl_plan.errors import UnsettledOperation
from automl_plan.execution.apply import apply
from automl_plan.execution.events import ApplyResult
from automl_plan.execution.executor import MOST_SENT
from automl_plan.model.address import dataset_address
from automl_plan.planning.options import PlanOptions
from automl_plan.workspace.make_plan import make_plan
from automl_plan.workspace.workspace import Workspace

ADDRESS = dataset_address("digits")
PARENT = "projects/1/locations/us-central1"


class Service:
    """Makes datasets and lists them, as either API has it.

    `acts` and `status` say of each call what it does.
    """

    def __init__(self, api: str) -> None:
        self.api = api
        self.received = 0
        self.acts = [True]
        self.statuses = [200]
        """0: the connection is dropped. The last one holds for all that follow."""
        self.body: bytes | None = None
        self.made: list[dict[str, Any]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                lists = self.path.partition("?")[0].endswith("/datasets")
                found = {"datasets": service.made} if lists else {}
                self._answer(200, json.dumps(found).encode())

            def do_POST(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = service.create(sent)
                if status:
                    self._answer(status, answer)
                else:
                    self.close_connection = True

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name)
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def create(self, sent: dict[str, Any]) -> tuple[int, bytes]:
        """Take one creation."""
        self.received += 1
        number = self.received - 1
        status = self.statuses[min(number, len(self.statuses) - 1)]
        name = f"{PARENT}/datasets/ICN{self.received}"
        if self.acts[min(number, len(self.acts) - 1)]:
            self.made.append({**sent, "name": name})
        done = {"name": f"{PARENT}/operations/ICN9", "done": True, "response": {"name": name}}
        ended = json.dumps(done).encode()
        return status, ended if status == 200 and self.body is None else self.body or b"{}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def service(api: str) -> Iterator[Service]:
    service = Service(api)
    yield service
    service.close()


def run(directory: Path, service: Service) -> ApplyResult:
    document = {
        "provider": {service.api: {"project": "p", "endpoint": service.url}},
        "datasets": {"digits": {"image_classification": {"classification_type": "MULTICLASS"}}},
    }
    (directory / "c.automl.yaml").write_text(json.dumps(document), encoding="utf-8")
    with Workspace(directory, environ={}) as workspace:
        planned = make_plan(workspace, PlanOptions())
        return apply(workspace, planned, on_event=lambda _: None)


def open_intents(directory: Path) -> int:
    with Workspace(directory, environ={}) as workspace:
        record = workspace.store.read().resources.get(ADDRESS)
    return len(record.operations) if record else 0


@pytest.mark.parametrize("status", [0, 500, 503, 504])
def test_what_was_acted_upon_is_found_and_not_sent_again(
    tmp_path: Path, service: Service, status: int
) -> None:
    service.statuses = [status]
    assert len(run(tmp_path, service).done) == 1
    assert (service.received, len(service.made)) == (1, 1)
    assert open_intents(tmp_path) == 0


@pytest.mark.parametrize("body", [b"{}", b"not JSON", b"[]"])
def test_what_was_taken_without_a_name_is_found(
    tmp_path: Path, service: Service, body: bytes
) -> None:
    service.body = body
    assert len(run(tmp_path, service).done) == 1
    assert (service.received, len(service.made)) == (1, 1)


@pytest.mark.parametrize("status", [0, 503])
def test_what_was_never_received_is_sent_again(
    tmp_path: Path, service: Service, status: int
) -> None:
    service.acts, service.statuses = [False, True], [status, 200]
    assert len(run(tmp_path, service).done) == 1
    assert (service.received, len(service.made)) == (2, 1)


def test_what_is_never_received_is_given_up(tmp_path: Path, service: Service) -> None:
    service.acts, service.statuses = [False], [503]
    (failure,) = run(tmp_path, service).failed
    assert isinstance(failure.error, UnsettledOperation)
    assert service.received == MOST_SENT
    assert open_intents(tmp_path) == 1
    service.acts, service.statuses = [True], [200]
    assert len(run(tmp_path, service).done) == 1
    assert len(service.made) == 1
    assert open_intents(tmp_path) == 0


def test_what_is_said_to_be_taken_and_is_not_found_is_not_sent_again(
    tmp_path: Path, service: Service
) -> None:
    service.acts, service.body = [False], b"{}"
    (failure,) = run(tmp_path, service).failed
    assert isinstance(failure.error, UnsettledOperation)
    assert "acknowledged the call" in failure.error.message
    assert service.received == 1
    assert open_intents(tmp_path) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 501])
def test_a_refusal_is_known_to_have_done_nothing(
    tmp_path: Path, service: Service, status: int
) -> None:
    service.acts, service.statuses = [False], [status]
    assert len(run(tmp_path, service).failed) == 1
    assert service.received == 1
    assert open_intents(tmp_path) == 0
