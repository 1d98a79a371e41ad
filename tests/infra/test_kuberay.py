"""What kustomize composes is valid by the schemas of Kubernetes and KubeRay, and says what the platform needs."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.infra.conftest import INFRA, OVERLAYS, PARTS, Document, documents
from tests.infra.crd_schemas import ray_errors

Composed = Callable[[str, str], list[Document]]
ALL = [(overlay, part) for overlay in OVERLAYS for part in PARTS]


def of_kind(found: list[Document], kind: str) -> list[Document]:
    return [one for one in found if one["kind"] == kind]


def only(found: list[Document], kind: str) -> Document:
    (one,) = of_kind(found, kind)
    return one


def clusters(found: list[Document]) -> list[dict[str, Any]]:
    """Specifications of Ray clusters in RayClusters, RayJobs and RayServices."""
    keys = {"RayCluster": None, "RayJob": "rayClusterSpec", "RayService": "rayClusterConfig"}
    return [one["spec"][keys[one["kind"]]] if keys[one["kind"]] else one["spec"] for one in found if one["kind"] in keys]


def pods(cluster: dict[str, Any]) -> list[dict[str, Any]]:
    return [group["template"]["spec"] for group in [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]]


def ray_files() -> list[str]:
    return sorted(
        str(path.relative_to(INFRA))
        for path in (INFRA / "kuberay").rglob("*.yaml")
        if any(isinstance(one, dict) and one.get("apiVersion") == "ray.io/v1" for one in documents(path.read_text()))
    )


@pytest.mark.parametrize("name", ray_files())
def test_every_ray_file_passes_kuberays_schema(name: str) -> None:
    for document in documents((INFRA / name).read_text()):
        assert ray_errors(document) == []


def test_the_schema_refuses_a_misspelt_key() -> None:
    (document,) = documents((INFRA / "kuberay" / "cluster" / "raycluster.yaml").read_text())
    document["spec"]["workerGroupSpecs"][0]["maxReplica"] = 3
    assert any("maxReplica" in error for error in ray_errors(document))


@pytest.mark.parametrize(("overlay", "part"), ALL)
def test_everything_composed_is_valid(composed: Composed, overlay: str, part: str) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    found = composed(overlay, part)
    for document in found:
        if document["apiVersion"].startswith("ray.io/"):
            assert ray_errors(document) == []
        else:
            kubernetes_validate.validate(document, "1.32", strict=True)
        if document["kind"] not in ("Namespace", "PriorityClass"):
            assert document["metadata"]["namespace"] == "rayfill"
    kinds = {".": "RayCluster", "train": "RayJob", "tune": "RayJob", "serve": "RayService"}
    only(found, kinds[part])
    if part in ("train", "tune"):
        assert {one["kind"] for one in found} == {"RayJob"}, "the standing cluster is not applied with a job"


@pytest.mark.parametrize(("overlay", "part"), ALL)
def test_every_ray_cluster_has_a_token_an_autoscaler_and_survives_its_head(composed: Composed, overlay: str, part: str) -> None:
    (cluster,) = clusters(composed(overlay, part))
    assert cluster["authOptions"] == {"mode": "token"}
    assert cluster["enableInTreeAutoscaling"] is True
    assert cluster["gcsFaultToleranceOptions"]["redisAddress"] == "redis:6379"
    assert "secretKeyRef" in cluster["gcsFaultToleranceOptions"]["redisPassword"]["valueFrom"]
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    for group in cluster["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    for pod in pods(cluster):
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            assert container["image"].startswith("registry.example.com/rayfill:"), "the overlay names registry and tag"
            assert "secretRef" in container["envFrom"][0]


@pytest.mark.parametrize(("overlay", "spot"), [("gke", "cloud.google.com/gke-spot"), ("eks", "karpenter.sh/capacity-type")])
@pytest.mark.parametrize("part", [".", "train", "tune"])
def test_gpu_workers_come_from_nothing_on_spot_machines(composed: Composed, overlay: str, spot: str, part: str) -> None:
    (cluster,) = clusters(composed(overlay, part))
    gpu = next(group for group in cluster["workerGroupSpecs"] if group["groupName"] == "gpu")
    pod = gpu["template"]["spec"]
    assert gpu["minReplicas"] == 0
    assert gpu["maxReplicas"] > 0
    assert spot in pod["nodeSelector"]
    assert {one["key"] for one in pod["tolerations"]} >= {"nvidia.com/gpu", "rayfill/spot"}
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert pod["containers"][0]["image"].endswith("-cuda")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_sweep_gives_way_to_training_and_training_to_serving(composed: Composed, overlay: str) -> None:
    values = {one["metadata"]["name"]: one["value"] for one in of_kind(composed(overlay, "."), "PriorityClass")}

    def priority(part: str) -> set[int]:
        return {values[pod["priorityClassName"]] for cluster in clusters(composed(overlay, part)) for pod in pods(cluster)}

    (sweep,), (training,), (serving,) = priority("tune"), priority("train"), priority("serve")
    assert sweep < training < serving


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_quota_has_room_for_everything_at_once(composed: Composed, overlay: str) -> None:
    hard = only(composed(overlay, "."), "ResourceQuota")["spec"]["hard"]
    cpu = memory = gpu = count = 0.0
    for part in (".", "serve"):
        found = composed(overlay, part)
        for cluster in clusters(found):
            groups = [(1, cluster["headGroupSpec"]), *((g["maxReplicas"], g) for g in cluster["workerGroupSpecs"])]
            for replicas, group in groups:
                for container in group["template"]["spec"]["containers"]:
                    asked = container["resources"]["requests"]
                    cpu += replicas * quantity(asked["cpu"])
                    memory += replicas * quantity(asked["memory"])
                    gpu += replicas * quantity(asked.get("nvidia.com/gpu", 0))
                    count += replicas
        for one in [*of_kind(found, "Deployment"), *of_kind(found, "StatefulSet")]:
            for container in one["spec"]["template"]["spec"]["containers"]:
                cpu += quantity(container["resources"]["requests"]["cpu"])
                memory += quantity(container["resources"]["requests"]["memory"])
                count += 1
    assert cpu <= quantity(hard["requests.cpu"])
    assert memory <= quantity(hard["requests.memory"])
    assert gpu <= quantity(hard.get("requests.nvidia.com/gpu", 0))
    assert count <= quantity(hard["pods"])


def quantity(text: str | float) -> float:
    """A Kubernetes quantity as a number."""
    for suffix, factor in (("Gi", 2.0**30), ("Mi", 2.0**20), ("m", 1e-3)):
        if str(text).endswith(suffix):
            return float(str(text).removesuffix(suffix)) * factor
    return float(text)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_is_referred_to_is_there(composed: Composed, overlay: str) -> None:
    found = composed(overlay, ".")
    there = {(one["kind"], one["metadata"]["name"]) for one in found}
    for one in [*of_kind(found, "Deployment"), *of_kind(found, "StatefulSet")]:
        for volume in one["spec"]["template"]["spec"].get("volumes", []):
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in there
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in found if one["kind"] in ("Deployment", "StatefulSet")]
    for service in of_kind(found, "Service"):
        selector = service["spec"]["selector"]
        assert any(selector.items() <= one.items() for one in labels), service["metadata"]["name"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_may_come_in_but_what_a_policy_names(composed: Composed, overlay: str) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind(composed(overlay, "."), "NetworkPolicy")}
    assert policies["deny-ingress"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    for name, spec in policies.items():
        for rule in spec.get("ingress", []):
            assert rule.get("from"), f"{name} lets everyone in"


def test_the_served_application_and_the_jobs_commands_are_ours(composed: Composed) -> None:
    from ray.serve.schema import ServeDeploySchema

    from jobs.cli import build_parser
    from jobs.verbs import load_verbs

    config = ServeDeploySchema.model_validate(
        yaml.safe_load(only(composed("gke", "serve"), "RayService")["spec"]["serveConfigV2"])
    )
    assert config.applications[0].import_path == "serving.declared:build_application"
    for part in ("train", "tune"):
        spec = only(composed("gke", part), "RayJob")["spec"]
        words = spec["entrypoint"].split()
        assert words[0] == "rayfill"
        build_parser(load_verbs([part])).parse_args(with_numbers(words))
        variables = yaml.safe_load(spec["runtimeEnvYAML"])["env_vars"]
        path = variables["RECIPE" if part == "train" else "SWEEP"]
        assert (INFRA.parent / path).is_file()
        assert not [name for name in variables if "PASSWORD" in name or "SECRET" in name]


def with_numbers(words: list[str]) -> list[str]:
    """The words of an entrypoint with a number for each variable."""
    return ["1" if word.strip('"').startswith("$") else word.strip('"') for word in words[1:]]
