"""Asks a server for its health: `python -m sori_server.transport.grpc.probe`.

For container health checks. Exit status 0 means serving, 1 anything else, told on stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

DEFAULT_ADDRESS = "127.0.0.1:50051"


def check(address: str, service: str = "", timeout: float = 3.0) -> str:
    """Name of the serving status, as in `grpc.health.v1`, or of the gRPC error; never raises.

    An empty `service` asks for the server as a whole. `timeout` is in seconds and counts
    the connection.
    """
    with grpc.insecure_channel(address) as channel:
        try:
            response = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=service), timeout=timeout
            )
        except grpc.RpcError as error:
            return str(error.code().name)
        status: str = health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)
        return status


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status for the command line."""
    parser = argparse.ArgumentParser(prog="probe", description="Ask a Sori server for its health.")
    parser.add_argument("--address", default=DEFAULT_ADDRESS, help="default: %(default)s")
    parser.add_argument("--service", default="", help="default: the server as a whole")
    parser.add_argument("--timeout", type=float, default=3.0, help="seconds, default: %(default)s")
    options = parser.parse_args(arguments)
    status = check(options.address, options.service, options.timeout)
    if status != "SERVING":
        print(f"{options.address}: {status}", file=sys.stderr)
    return 0 if status == "SERVING" else 1


if __name__ == "__main__":
    sys.exit(main())
