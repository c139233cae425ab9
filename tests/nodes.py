"""A cluster of several nodes on this machine for tests: ``python -m tests.nodes OWNER``.

The head runs no trials, two nodes have a core each. Writes a line of JSON: ``address`` and the nodes'
``raylets`` (process ids). Reads the number of a node a line, kills that node at once and says so.
"""

import json
import os
import select
import sys

from ray.cluster_utils import Cluster

from tests.head import alive

SMALL = {"object_store_memory": 100 << 20, "include_dashboard": False}


def main(owner: int) -> None:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **SMALL})
    try:
        nodes = [cluster.add_node(num_cpus=1, **SMALL) for _ in range(2)]
        raylets = [node.all_processes["raylet"][0].process.pid for node in nodes]
        print(json.dumps({"address": cluster.address, "raylets": raylets}), flush=True)
        while alive(owner):
            if select.select([sys.stdin], [], [], 0.5)[0]:
                line = sys.stdin.readline()
                if not line:
                    break
                cluster.remove_node(nodes[int(line)], allow_graceful=False)
                print("killed", flush=True)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    os.environ.pop("RAY_ADDRESS", None)
    main(int(sys.argv[1]))
