"""The cluster files: by Ray's own schema, and by the rules of the house."""

from importlib import metadata
from pathlib import Path

import pytest
import yaml
from jsonschema import ValidationError
from ray.autoscaler._private.util import prepare_config, validate_config

import admf_ray

ROOT = Path(__file__).parents[3]
FILES = ["cluster.yaml", "configs/cluster_onprem.yaml"]


def read(name):
    return yaml.safe_load((ROOT / name).read_text())


@pytest.mark.parametrize("name", FILES)
def test_rays_own_schema_takes_it(name):
    validate_config(prepare_config(read(name)))
    with pytest.raises(ValidationError):
        validate_config({**prepare_config(read(name)), "setup_command": []})


@pytest.mark.parametrize("name", FILES)
def test_the_head_runs_no_trial_and_nobody_comes_in_without_the_token(name):
    file = read(name)
    head, worker = file["head_start_ray_commands"][-1], file["worker_start_ray_commands"][-1]
    for option in ("--num-cpus=0", "--dashboard-host=127.0.0.1", "--autoscaling-config="):
        assert option in head
    for command in (head, worker):
        assert "export RAY_AUTH_MODE=token " in command
        assert "--disable-usage-stats" in command
    assert "chmod 600 ~/.ray/auth_token" in file["setup_commands"][0]
    assert file["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"


@pytest.mark.parametrize("name", FILES)
def test_every_host_gets_one_ray_and_one_wheel(name):
    file = read(name)
    installs = [command for command in file["setup_commands"] if " install " in command]
    assert len(installs) == 1
    assert f'"ray[default,tune]=={metadata.version("ray")}"' in installs[0]
    assert "~/admf_ray/dist/admf_ray-*.whl" in installs[0]
    assert file["file_mounts"]["~/admf_ray/dist"] == "dist"


def test_the_cloud_brings_spot_workers_from_none():
    kinds = read("cluster.yaml")["available_node_types"]
    assert kinds["head"]["resources"] == {"CPU": 0}
    assert kinds["worker"]["min_workers"] == 0 < kinds["worker"]["max_workers"]
    assert kinds["worker"]["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}
    assert "InstanceMarketOptions" not in kinds["head"]["node_config"]


def test_kubernetes_objects_are_whole():
    claim, job = yaml.safe_load_all((ROOT / "configs/kuberay.yaml").read_text())
    assert [one["kind"] for one in (claim, job)] == ["PersistentVolumeClaim", "RayJob"]
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["rayVersion"] == metadata.version("ray")
    assert cluster["authOptions"] == {"mode": "token"}
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    pods = [one["template"]["spec"] for one in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]
    assert len(pods) == 2
    for pod in pods:
        (container,) = pod["containers"]
        assert container["image"].endswith(f":{admf_ray.__version__}")
        mounted = {one["name"] for one in container["volumeMounts"]}
        assert mounted == {one["name"] for one in pod["volumes"]}
    workers, wanted = (
        cluster["workerGroupSpecs"][0],
        job["spec"]["entrypoint"].split("--workers ")[1].split()[0],
    )
    assert workers["minReplicas"] == 0 < workers["maxReplicas"]
    cores = int(pods[1]["containers"][0]["resources"]["requests"]["cpu"])
    assert int(wanted) == workers["maxReplicas"] * cores
