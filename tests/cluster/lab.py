"""Hosts made of network namespaces, and on them the Ray cluster of the project's on-prem file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from admf_ray.rules.compile import cache_root

REPOSITORY = Path(__file__).parents[2]
NETLAB = Path(__file__).with_name("netlab.sh")
NEEDED = ("ip", "nsenter", "unshare", "ssh", "ssh-keygen", "rsync", "/usr/sbin/sshd")
FILE = "configs/cluster_onprem.yaml"
STORE_BYTES = 200_000_000


def missing() -> list[str]:
    """What this machine lacks for a lab."""
    lacks = [name for name in NEEDED if shutil.which(name) is None]
    return lacks if os.geteuid() == 0 else [*lacks, "root"]


class Lab:
    """Hosts drv (the user's), head, w1 and w2; one processor of each worker is Ray's.

    ``work`` is the user's folder on drv, with the cluster file; ``shared`` a folder that all hosts see.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.work, self.shared = folder, folder / "work", folder / "shared"
        self.venv, self.said = folder / "venv", folder / "said.log"
        self._env = {
            **os.environ,
            "NETLAB_DIR": str(folder),
            "NETLAB_KEEP": f"{sys.base_prefix}:{cache_root()}",  # Python, and code that is compiled already
            "NETLAB_OWNER": str(os.getpid()),
        }

    def netlab(self, *words: str) -> None:
        subprocess.run([NETLAB, *words], env=self._env, check=True, timeout=60)

    def run(self, host: str, command: str, timeout: float = 300, check: bool = True) -> str:
        """What a command printed that was run in a login shell on a host, with nothing of our environment."""
        done = subprocess.run(self._words(host, command), env=self._env, capture_output=True, timeout=timeout)
        text = (done.stdout + done.stderr).decode(errors="replace")
        assert not check or done.returncode == 0, f"{command} on {host}: {text[-4000:]}"
        return text

    def start(self, host: str, command: str) -> subprocess.Popen[bytes]:
        """Begin a command on a host; what it prints goes to ``said``."""
        with open(self.said, "wb") as file:
            return subprocess.Popen(
                self._words(host, command), env=self._env, stdout=file, stderr=subprocess.STDOUT
            )

    def _words(self, host: str, command: str) -> list[str]:
        clean = ["env", "-i", f"HOME={Path.home()}", "LANG=C.UTF-8", f"TMPDIR={self.folder}/tmp"]
        return [str(NETLAB), "exec", host, *clean, "bash", "-lc", f"cd {self.work}; {command}"]

    def up(self) -> None:
        """Bring up the hosts and, from drv, the cluster; returns when both workers are there."""
        for one in (self.work / "dist", self.shared, self.folder / "tmp"):
            one.mkdir(parents=True)
        shutil.copytree(REPOSITORY / "configs", self.work / "configs")
        self._install()
        self.netlab("up")
        (self.work / FILE).write_text(yaml.safe_dump(self._adapted()))
        profile = f"export PATH={self.venv}/bin:$PATH RAY_AUTH_MODE=token RAY_UP_enable_autoscaler_v2=0"
        self.run("drv", f"echo '{profile}' > ~/.profile")
        self.run("drv", "ray get-auth-token --generate > /dev/null; chmod 600 ~/.ray/auth_token")
        self.run("drv", f"ray up -y {FILE}")
        self.wait_for_nodes(3)

    def down(self) -> None:
        self.netlab("down")

    def wait_for_nodes(self, count: int, within_s: float = 180) -> None:
        """Wait until so many nodes are alive."""
        until = time.monotonic() + within_s
        while (text := self.run("head", "ray list nodes", check=False)).count("ALIVE") != count:
            assert time.monotonic() < until, text
            time.sleep(2)

    def at_work(self, host: str) -> bool:
        """Whether a host runs a trial just now."""
        return "ray::ResourceTrainable.train" in self.run(host, "ps ax -o args")

    def _install(self) -> None:
        """Make the hosts' disk image: the package as a wheel would bring it, and our interpreter's others."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.venv], check=True, timeout=120)
        site = next(self.venv.glob("lib/python*/site-packages"))
        (site / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / "admf_ray", site / "admf_ray", ignore=ignored)
        for name, module in {"ray": "ray.scripts.scripts", "admf-ray": "admf_ray.cli"}.items():
            program = self.venv / "bin" / name
            program.write_text(f"#!{self.venv}/bin/python\nfrom {module} import main\nmain()\n")
            program.chmod(0o755)

    def _adapted(self) -> dict[str, object]:
        """The project's file with the lab's key, an image in place of downloads, and small nodes."""
        cluster = yaml.safe_load((REPOSITORY / FILE).read_text())
        cluster["auth"] = {"ssh_user": "root", "ssh_private_key": str(self.folder / "id")}
        token, _, _, profile = cluster["setup_commands"]
        image = f"mkdir -p ~/admf_ray && ln -sfn {self.venv} ~/admf_ray/venv"
        cluster["setup_commands"] = [token, image, profile]
        for kind, words in (("head", ""), ("worker", " --num-cpus=1")):
            cluster[f"{kind}_start_ray_commands"][-1] += f" --object-store-memory={STORE_BYTES}{words}"
        return cluster


def stored(run: Path) -> dict[str, dict[str, list[object] | bytes]]:
    """All rows of a run in one order, by strategy and context, figures as their bits."""
    parts: dict[str, list[pa.Table]] = {}
    for file in sorted((run / "points").glob("*.parquet")):
        table = pq.read_table(file).replace_schema_metadata()
        for k, field in enumerate(table.schema):
            if pa.types.is_dictionary(field.type):
                table = table.set_column(k, field.name, table.column(k).cast(pa.string()))
        parts.setdefault(file.stem.rpartition("-")[0], []).append(table)
    out = {}
    for context, tables in sorted(parts.items()):
        whole = pa.concat_tables(tables).sort_by([("point_id", "ascending"), ("window", "ascending")])
        out[context] = {name: _bits(whole.column(name)) for name in whole.column_names}
    return out


def _bits(column: pa.ChunkedArray) -> list[object] | bytes:
    if pa.types.is_list(column.type):
        column = column.combine_chunks()
        return column.offsets.to_numpy().tobytes() + column.flatten().to_numpy(zero_copy_only=False).tobytes()
    if pa.types.is_floating(column.type):
        return bytes(column.to_numpy().tobytes())
    return list(column.to_pylist())
