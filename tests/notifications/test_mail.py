"""E-mail, against a real mail server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from automl_plan.model.notices import Mailing, Notice, NoticeKind, Tls
from automl_plan.notifications.channels import DeliveryError, mail, message_of
from tests.notifications.mailing import PASSWORD, USER, MailServer
from tests.notifications.test_notices import notify, run
from tests.project import DATASET, MODEL, Project

ENVIRON = {"MAIL_USER": USER, "MAIL_PASSWORD": PASSWORD}
NOTICE = Notice(
    NoticeKind.FAILED,
    "2026-11-26T12:00:00Z",
    "model.digits",
    "train",
    "model.digits: train failed: no\nNext: automl-plan plan",
    ("post",),
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    """A mail server with STARTTLS and a log-in."""
    server = MailServer(tmp_path / "mail")
    yield server
    server.close()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """One dataset with data, and one model."""

    project = Project(tmp_path)
    project.write_data("d.csv", {"cat": 8, "dog": 8})
    model = {key: value for key, value in MODEL.items() if key != "deploy"}
    project.write({"digits": DATASET}, {"digits": model})
    yield project
    project.stop_service()


def mailing(server: MailServer, **changed: Any) -> Mailing:
    told = {
        "host": "127.0.0.1",
        "port": server.port,
        "tls": Tls.STARTTLS,
        "sender": "automl@example.com",
        "to": ("vision@example.com", "ops@example.com"),
        "username_env": "MAIL_USER",
        "password_env": "MAIL_PASSWORD",
        "ca_file": "mail/mail.pem",
    }
    return Mailing(**{**told, **changed})


def email(server: MailServer) -> dict[str, Any]:
    return {
        "email": {
            "host": "127.0.0.1",
            "port": server.port,
            "from": "automl@example.com",
            "to": ["vision@example.com"],
            "username_env": "MAIL_USER",
            "password_env": "MAIL_PASSWORD",
            "ca_file": "mail/mail.pem",
        }
    }


def test_a_message_goes_over_tls_with_a_log_in(server: MailServer, tmp_path: Path) -> None:
    mail(mailing(server), "failed-1", NOTICE, ENVIRON, tmp_path)
    (message,) = server.messages
    assert message["From"] == "automl@example.com"
    assert message["To"] == "vision@example.com, ops@example.com"
    assert message["Subject"] == "model.digits: train failed"
    assert str(message.get_content()).splitlines() == NOTICE.text.splitlines()
    assert server.logins == [USER]


def test_tls_from_the_start(tmp_path: Path) -> None:
    server = MailServer(tmp_path / "mail", implicit=True)
    try:
        anybody = {"username_env": None, "password_env": None}
        mailing_ = mailing(server, tls=Tls.IMPLICIT, **anybody)
        mail(mailing_, "failed-1", NOTICE, {}, tmp_path)
        assert len(server.messages) == 1
    finally:
        server.close()


@pytest.mark.parametrize(
    ("changed", "environ", "said"),
    [
        ({"ca_file": None}, ENVIRON, "its certificate is not trusted"),
        ({"host": "localhost"}, ENVIRON, "its certificate is not trusted"),
        ({"ca_file": "not/there.pem"}, ENVIRON, "its ca_file can't be read"),
        ({}, {"MAIL_USER": USER}, "MAIL_PASSWORD is not set in the environment"),
        ({}, {**ENVIRON, "MAIL_PASSWORD": "wrong"}, "it refused the credentials (535)"),
        ({}, {**ENVIRON, "MAIL_PASSWORD": "näh"}, "it gave no answer: Unicode"),
        ({"tls": Tls.IMPLICIT}, ENVIRON, "it gave no answer: SSLError"),
    ],
)
def test_why_it_is_not_sent(
    server: MailServer,
    tmp_path: Path,
    changed: dict[str, Any],
    environ: dict[str, str],
    said: str,
) -> None:
    with pytest.raises(DeliveryError) as caught:
        mail(mailing(server, **changed), "failed-1", NOTICE, environ, tmp_path)
    assert str(caught.value).startswith(said)
    assert server.messages == []
    assert PASSWORD not in str(caught.value)
    assert set(server.logins) == ({USER} if "credentials" in said else set())


def test_nothing_is_said_without_tls(tmp_path: Path) -> None:
    server = MailServer(tmp_path / "mail", tls=False)
    try:
        with pytest.raises(DeliveryError, match="offers no STARTTLS"):
            mail(mailing(server), "failed-1", NOTICE, ENVIRON, tmp_path)
        assert server.logins == []
        assert server.messages == []
    finally:
        server.close()


@pytest.mark.parametrize(
    ("answer", "said"), [("451 later", "it answered 451"), ("552 too much", "it answered 552")]
)
def test_a_server_that_refuses(server: MailServer, tmp_path: Path, answer: str, said: str) -> None:
    server.answer = answer
    with pytest.raises(DeliveryError) as caught:
        mail(mailing(server), "failed-1", NOTICE, ENVIRON, tmp_path)
    assert str(caught.value) == said


def test_a_server_that_hangs_up(server: MailServer, tmp_path: Path) -> None:
    server.drops = True
    with pytest.raises(DeliveryError):
        mail(mailing(server), "failed-1", NOTICE, ENVIRON, tmp_path)


def test_what_a_state_holds_makes_no_headers(server: MailServer) -> None:
    """A state may come from anywhere."""
    bad = Notice(
        NoticeKind.ENDED,
        "2026-11-26T12:00:00Z",
        "model.x\r\nBcc: all@example.com",
        "train\n\nbody",
        "text\r\n.\r\nQUIT",
        ("post",),
    )
    message = message_of(mailing(server), "a\r\nX: y", bad)
    assert sorted(message.keys()) == sorted(
        {"Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"}
        | {"Content-Type", "Content-Transfer-Encoding"}
    )
    assert "\n" not in str(message["Subject"])
    assert message["Message-ID"] == message_of(mailing(server), "a\r\nX: y", bad)["Message-ID"]


def test_an_apply_tells_of_a_training_what_a_person_can_act_on(
    project: Project, server: MailServer
) -> None:
    notify(project, post=email(server))
    run(project, ENVIRON)
    text = {str(m["Subject"]): str(m.get_content()) for m in server.messages}
    assert sorted(text) == ["dataset.digits: import-data ended", "model.digits: train ended"]
    lines = text["model.digits: train ended"].splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "model.digits",
        "Where",
        "Took",
        "Billed",
        "auPRC",
        "Next",
    ]
    assert lines[1] == "Where: local:projects/local/locations/us-central1"
    assert "milli node hours, $" in lines[3]
    assert lines[5] == "Next: automl-plan models versions digits"
    # The version after it is held against it.
    larger = {**MODEL, "image_classification": {"train_budget_milli_node_hours": 9000}}
    project.write({"digits": DATASET}, {"digits": larger})
    server.messages.clear()
    run(project, ENVIRON)
    (told,) = [m for m in server.messages if m["Subject"] == "model.digits: retrain ended"]
    assert ", former version " in str(told.get_content())


def test_killed_when_the_server_has_it_the_same_message_comes_again(
    project: Project, server: MailServer
) -> None:
    """Nobody could know that it was taken; mail systems know it by its Message-ID."""
    notify(project, post=email(server))
    command = [sys.executable, "-m", "automl_plan", "apply", "--auto-approve"]
    environ = {**os.environ, **ENVIRON}
    running = subprocess.Popen(
        command, cwd=project.directory, env=environ, stdout=subprocess.DEVNULL
    )
    server.struck = lambda: running.send_signal(signal.SIGKILL)
    with running:
        assert running.wait(60) == -signal.SIGKILL
    (first,) = server.ids()
    assert len(project.state().outbox) >= 1
    run(project, ENVIRON)
    ids = server.ids()
    assert ids.count(first) == 2
    assert len(set(ids)) == 2
    assert len(ids) == 3
    assert project.state().outbox == {}


def test_killed_before_the_server_takes_it_there_is_one_message(
    project: Project, server: MailServer
) -> None:
    notify(project, post=email(server))
    server.answer = "451 later"
    assert not run(project, ENVIRON).failed
    assert len(project.state().outbox) == 2
    server.answer = "250 taken"
    run(project, ENVIRON)
    run(project, ENVIRON)
    assert len(set(server.ids())) == len(server.ids()) == 2
