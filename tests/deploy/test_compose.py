"""deploy/compose.yaml says nothing that the format, the settings, the commands or the images don't know."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from xml.etree import ElementTree

import click
import pytest
from deploy.clickhouse_as import USERS
from deploy.compose import DEPLOY, VALUES, as_docker_reads_it, compose_command, environment, services, variables
from docs.generated import ROOT
from kafka_broker import VERSION

from epochal._errors import SettingsError
from epochal._settings import VARIABLES, from_env, unknown_variables
from epochal.cli import group, load_commands
from epochal_processors.worker_http import WorkerHttp
from epochal_processors.worker_settings import plan_of
from epochal_storage.location import Server, parsed

OURS = ("migrate", "worker", "read")


def check_command(arguments: list[str]) -> None:
    """Raise where click doesn't know the command or its options; runs nothing."""
    assert load_commands(group) == []
    command: click.Command = group
    rest = list(arguments)
    while isinstance(command, click.Group):
        assert rest
        assert rest[0] in command.commands, f"there is no command {arguments}"
        command = command.commands[rest.pop(0)]
    command.make_context(command.name, rest)


def test_the_specification_knows_all_of_it() -> None:
    """Every key and value is one of the specification's; networks, volumes and services that are named exist."""
    assert services().keys() == {"kafka", "clickhouse", *OURS}


def test_dockers_own_compose_reads_it() -> None:
    """The program that will read it does, and refuses to begin without a password."""
    command = compose_command()
    if command is None:
        pytest.skip("neither `docker compose` nor docker-compose is installed")
    done = as_docker_reads_it(command, VALUES)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["services"].keys() == services().keys()
    without = as_docker_reads_it(command, VALUES | {"WRITER_PASSWORD": ""})
    assert without.returncode != 0
    assert "WRITER_PASSWORD is missing a value: set it in deploy/.env" in without.stderr


def test_the_example_names_what_has_to_be_set() -> None:
    """Every variable without a default is in .env.example, empty; a variable there is one of the file's."""
    example = dict(re.findall(r"^(\w+)=(.*)$", (DEPLOY / ".env.example").read_text("utf-8"), re.MULTILINE))
    needed = {name for name, default in variables().items() if default is None}
    assert {name for name, value in example.items() if not value} == needed
    assert {name: value for name, value in example.items() if value} == {"WORKERS": variables()["WORKERS"]}


@pytest.mark.parametrize("service", OURS)
def test_every_setting_is_one(service: str) -> None:
    """Each EPOCHAL_ variable is known, and its value is accepted."""
    given = environment(service)
    assert given.keys() <= {variable.name for variable in VARIABLES}
    assert unknown_variables(given) == []
    from_env(given)


@pytest.mark.parametrize("service", OURS)
def test_every_command_is_one(service: str) -> None:
    """What follows `epochal` in a container can be typed."""
    check_command(services()[service]["command"])


def test_every_command_that_is_shown_is_one() -> None:
    """In the file's first lines and in docs/deploy.md."""
    shown = [(DEPLOY / "compose.yaml").read_text("utf-8"), (ROOT / "docs/deploy.md").read_text("utf-8")]
    typed = [command for text in shown for command in re.findall(r"run --rm read (.+)$", text, re.MULTILINE)]
    typed += re.findall(r"epochal:local (\w[^`]+)`", shown[1])
    assert len(typed) == 4
    for command in typed:
        check_command(command.replace("/spool", str(DEPLOY)).split())


def test_a_worker_gets_where_it_is_to_go() -> None:
    """Its broker and store are the services of these names, at the ports they listen on, as the users they have."""
    given, kafka = environment("worker"), environment("kafka")
    assert given["EPOCHAL_KAFKA"] == environment("migrate")["EPOCHAL_KAFKA"]
    assert f"://{given['EPOCHAL_KAFKA']}," in kafka["KAFKA_ADVERTISED_LISTENERS"]
    assert given["EPOCHAL_KAFKA"].split(":")[0] in services()
    passwords = environment("clickhouse")
    users = {user.tag: user.find("password") for user in ElementTree.parse(USERS).getroot().iterfind("users/*")}
    for where, user in ((given, "epochal_writer"), (environment("read"), "epochal_analyst")):
        store = parsed(where["EPOCHAL_STORE"])
        assert isinstance(store, Server)
        password = users[user]
        assert password is not None
        assert (store.host, store.port, store.user, store.database) == ("clickhouse", 8123, user, "epochal")
        assert store.password == passwords[password.attrib["from_env"]]
    assert plan_of(from_env(given)).http == ("0.0.0.0", 9464)


@pytest.mark.parametrize("ready", [True, False])
def test_a_workers_health_check_sees_whether_it_is_ready(ready: bool) -> None:
    """The very command of the file, asking a worker's own address; only the port is another one here."""
    _, program, *arguments = services()["worker"]["healthcheck"]["test"]
    assert program == "python"
    port = environment("worker")["EPOCHAL_WORKER_HTTP"].rpartition(":")[2]
    assert f":{port}/readyz" in arguments[-1]
    http = WorkerHttp("127.0.0.1", 0, lambda: b"", lambda: "", lambda: "" if ready else "the store is away")
    try:
        here = [argument.replace(f":{port}/", f":{http.address[1]}/") for argument in arguments]
        done = subprocess.run([sys.executable, *here], capture_output=True, check=False)
    finally:
        http.close()
    assert (done.returncode == 0) == ready, done.stderr


def test_a_worker_has_time_to_stop() -> None:
    """Docker waits longer than a worker takes at most: once to store what is in hand, once to commit it."""
    grace = plan_of(from_env(environment("worker"))).grace_s
    assert services()["worker"]["stop_grace_period"] == "1m10s"
    assert 2 * grace < 70


def test_nothing_is_published_beyond_loopback_or_unlimited() -> None:
    """Ports are those of 127.0.0.1, every service has limits, and ours run with no rights to spare."""
    for name, service in services().items():
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}, name
        assert "restart" in service, name
        if name in OURS:
            assert service["read_only"]
            assert service["cap_drop"] == ["ALL"]
            assert not service.get("ports")


def test_images_are_the_versions_that_the_suite_runs_on() -> None:
    """The broker of the tests, and the server whose engine the tests embed."""
    assert services()["kafka"]["image"] == f"apache/kafka:{VERSION}"
    said = re.search(r"^chdb-core==(\d+\.\d+)\.", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE)
    assert said
    assert services()["clickhouse"]["image"] == f"clickhouse/clickhouse-server:{said[1]}"


def test_an_analysts_memory_is_half_of_the_servers() -> None:
    """As it is with the host of an embedded store."""
    assert services()["clickhouse"]["deploy"]["resources"]["limits"]["memory"] == "4gb"
    profile = ElementTree.parse(USERS).getroot().find("profiles/epochal_analyst")
    assert profile is not None
    assert profile.findtext("max_memory_usage") == profile.findtext("max_memory_usage_for_user") == str(2 << 30)
    assert profile.findtext("constraints/max_memory_usage/max") == str(2 << 30)


@pytest.mark.parametrize("mode", ["offline", "disabled"])
def test_a_worker_that_could_say_nothing_does_not_begin(mode: str) -> None:
    """It may have to say that something which came in late is erased."""
    with pytest.raises(SettingsError, match=f"EPOCHAL_MODE={mode}"):
        plan_of(from_env({"EPOCHAL_KAFKA": "broker:9092", "EPOCHAL_MODE": mode}))
