"""Services that answer badly: nothing that costs money is sent twice by guess."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from automl_plan.applying.apply import apply
from automl_plan.applying.events import ApplyResult, Failure
from automl_plan.applying.planned import make_plan
from automl_plan.applying.workspace import Workspace
from automl_plan.errors import UnsettledOperation
from automl_plan.planning.options import PlanOptions
from automl_plan.resources.address import dataset_address

ADDRESS = dataset_address("digits")


class Service:
    """Lists nothing, and answers creations as it is told. `created` counts them."""

    def __init__(self) -> None:
        self.created = 0
        self.status = 200
        self.body = b"{}"
        self.drop = False
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(200, b"{}")

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                service.created += 1
                if service.drop:
                    self.close_connection = True
                    return
                self._answer(service.status, service.body)

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

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


def run(directory: Path, service: Service) -> ApplyResult:
    document = {
        "provider": {"automl": {"project": "p", "endpoint": service.url}},
        "datasets": {"digits": {"image_classification": {"classification_type": "MULTICLASS"}}},
    }
    (directory / "c.yaml").write_text(json.dumps(document), encoding="utf-8")
    with Workspace(directory, environ={}) as workspace:
        planned = make_plan(workspace, PlanOptions())
        return apply(workspace, planned, on_event=lambda _: None)


def open_intents(directory: Path) -> int:
    with Workspace(directory, environ={}) as workspace:
        record = workspace.store.read().resources.get(ADDRESS)
    return len(record.operations) if record else 0


@pytest.mark.parametrize("status", [500, 503, 504])
def test_an_answer_after_which_it_may_have_acted_leaves_the_intent(
    tmp_path: Path, service: Service, status: int
) -> None:
    service.status = status
    (failure,) = run(tmp_path, service).failed
    assert_unsettled(failure)
    assert service.created == 1
    assert open_intents(tmp_path) == 1


def test_a_dropped_connection_leaves_the_intent(tmp_path: Path, service: Service) -> None:
    service.drop = True
    (failure,) = run(tmp_path, service).failed
    assert_unsettled(failure)
    assert service.created == 1
    assert open_intents(tmp_path) == 1


@pytest.mark.parametrize("body", [b"{}", b"not JSON", b"[]"])
def test_an_answer_without_an_operation_leaves_the_intent(
    tmp_path: Path, service: Service, body: bytes
) -> None:
    service.body = body
    (failure,) = run(tmp_path, service).failed
    assert_unsettled(failure)
    assert service.created == 1
    assert open_intents(tmp_path) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 501])
def test_a_refusal_is_known_to_have_done_nothing(
    tmp_path: Path, service: Service, status: int
) -> None:
    service.status = status
    assert len(run(tmp_path, service).failed) == 1
    assert service.created == 1
    assert open_intents(tmp_path) == 0


def test_the_next_run_sends_again_what_was_never_received(tmp_path: Path, service: Service) -> None:
    service.drop = True
    run(tmp_path, service)
    service.drop = False
    service.body = json.dumps(
        {
            "name": "projects/1/locations/us-central1/operations/ICN1",
            "done": True,
            "response": {"name": "projects/1/locations/us-central1/datasets/ICN2"},
        }
    ).encode()
    assert not run(tmp_path, service).failed
    assert service.created == 2


def assert_unsettled(failure: Failure) -> None:
    assert isinstance(failure.error, UnsettledOperation)
    assert "Nothing is sent twice by guess" in (failure.error.hint or "")
