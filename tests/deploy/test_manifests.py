"""The Kubernetes manifests against the settings classes, the routes and the schemas of Kubernetes 1.37."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from shared.settings import MigrationSettings, ServiceSettings
from tests.support.servers import SETTINGS

K8S = Path(__file__).parents[2] / "deploy" / "k8s"
BASE = K8S / "base"
SERVICES = sorted(SETTINGS)
KUBERNETES = "1.37"
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
PATHS = {"/healthz", "/readyz", "/readyz?exclude=broker"}


def objects(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Every object of a folder, kustomizations left out."""
    found = []
    for path in sorted(folder.rglob("*.yaml")):
        if path.name != "kustomization.yaml":
            found += [(path, item) for item in yaml.safe_load_all(path.read_text()) if item]
    return found


def one(service: str, kind: str, name: str) -> dict[str, Any]:
    [found] = [item for _, item in objects(BASE / service) if item["kind"] == kind and item["metadata"]["name"] == name]
    return dict(found)


def pods() -> list[tuple[str, dict[str, Any]]]:
    return [
        (item["metadata"]["name"], item["spec"]["template"]["spec"])
        for _, item in objects(BASE)
        if item["kind"] in ("Deployment", "Job")
    ]


@pytest.mark.parametrize(
    ("path", "item"), objects(K8S), ids=lambda value: value.name if isinstance(value, Path) else ""
)
def test_every_object_is_valid(path: Path, item: dict[str, Any]) -> None:
    kubernetes_validate.validate(item, KUBERNETES, strict=True)


def test_every_file_is_in_its_kustomization_and_every_entry_exists() -> None:
    for path in sorted(K8S.rglob("kustomization.yaml")):
        listed = yaml.safe_load(path.read_text())["resources"]
        for name in listed:
            target = path.parent / name
            assert target.is_file() or (target / "kustomization.yaml").is_file(), f"{path}: {name}"
        beside = {file.name for file in path.parent.glob("*.yaml")} - {"kustomization.yaml"}
        assert beside <= set(listed), path


def secret_keys(name: str) -> set[str]:
    generators = yaml.safe_load((K8S / "overlays" / "dev" / "kustomization.yaml").read_text())["secretGenerator"]
    [found] = [entry for entry in generators if entry["name"] == name]
    return {literal.split("=", 1)[0] for literal in found["literals"]}


def required(settings: type[ServiceSettings] | type[MigrationSettings], prefix: str) -> set[str]:
    return {prefix + name.upper() for name, field in settings.model_fields.items() if field.is_required()}


@pytest.mark.parametrize("service", SERVICES)
def test_each_setting_is_provided_and_none_is_unknown(service: str) -> None:
    from importlib import import_module

    module = import_module(f"services.{service}.settings")
    prefix = f"{service.upper()}_"
    config = set(one(service, "ConfigMap", f"{service}-config")["data"])
    secrets, owner = secret_keys(f"{service}-secrets"), secret_keys(f"{service}-owner")
    known = {prefix + name.upper() for kind in (module.Settings, module.Migrations) for name in kind.model_fields}
    assert required(module.Settings, prefix) <= config | secrets
    assert required(module.Migrations, prefix) <= config | secrets | owner
    assert {name for name in config | secrets | owner if not name.startswith("OTEL_")} <= known
    for name in config:
        assert not any(word in name for word in ("KEY", "TOKEN", "PASSWORD", "DATABASE")), f"{name} is a secret"


@pytest.mark.parametrize("service", SERVICES)
def test_values_are_ones_that_the_settings_accept(service: str) -> None:
    prefix = f"{service.upper()}_"
    data = one(service, "ConfigMap", f"{service}-config")["data"]
    own = {name.removeprefix(prefix).lower(): value for name, value in data.items() if name.startswith(prefix)}
    model = SETTINGS[service]
    secrets = {"database_url": "postgresql://a:b@h/d", "slot_signing_key": "k" * 32, "link_signing_key": "k" * 32}
    values = {**secrets, "sms_account_sid": "AC", "sms_auth_token": "t", **own}
    settings = model(**{name: value for name, value in values.items() if name in model.model_fields})
    for kind, port in (("api", settings.port), ("worker", settings.worker_port)):
        [container] = one(service, "Deployment", f"{service}-{kind}")["spec"]["template"]["spec"]["containers"]
        assert container["ports"] == [{"name": "http", "containerPort": port}]
    assert settings.host == "0.0.0.0"  # noqa: S104 -- a container listens for its pod


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("kind", ["api", "worker"])
def test_probes_ask_what_the_process_answers_and_stopping_has_time(service: str, kind: str) -> None:
    pod = one(service, "Deployment", f"{service}-{kind}")["spec"]["template"]["spec"]
    [container] = pod["containers"]
    for probe in PROBES:
        assert container[probe]["httpGet"]["path"] in PATHS
        assert container[probe]["httpGet"]["port"] == "http"
    readiness = container["readinessProbe"]["httpGet"]["path"]
    assert readiness == ("/readyz?exclude=broker" if kind == "api" else "/readyz")
    drain = float(one(service, "ConfigMap", f"{service}-config")["data"][f"{service.upper()}_DRAIN_SECONDS"])
    wait = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > drain + wait
    assert container["args"] == ["-m", f"services.{service}.{'app' if kind == 'api' else 'worker'}"]
    assert container["resources"]["requests"]["memory"] == "128Mi"
    assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize(("name", "pod"), pods(), ids=lambda value: value if isinstance(value, str) else "")
def test_pods_meet_the_restricted_standard(name: str, pod: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] >= 10_000
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        tag = container["image"].rsplit(":", 1)
        assert len(tag) == 2
        assert tag[1] != "latest"


def test_only_the_migration_knows_the_owner_of_the_database() -> None:
    for name, pod in pods():
        for container in pod["containers"]:
            sources = [source.get("secretRef", {}).get("name", "") for source in container["envFrom"]]
            assert any(source.endswith("-owner") for source in sources) == name.endswith("-migrations"), name


@pytest.mark.parametrize("service", SERVICES)
def test_the_service_leads_to_the_api(service: str) -> None:
    found = one(service, "Service", service)["spec"]
    labels = one(service, "Deployment", f"{service}-api")["spec"]["template"]["metadata"]["labels"]
    assert found["selector"].items() <= labels.items()
    assert found["ports"][0]["targetPort"] == "http"


def test_the_image_holds_shared_and_one_service_runs_unprivileged_and_installs_by_hash() -> None:
    text = (K8S.parents[1] / "Dockerfile").read_text()
    assert "COPY services/${SERVICE}/ services/${SERVICE}/" in text
    assert "--require-hashes -r /tmp/runtime.txt" in text
    assert "USER 10001:10001" in text
    assert "ARG BASE=" in text
