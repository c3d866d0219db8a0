"""Servers for DVC remotes on this machine: S3 by moto, SSH by asyncssh, with credentials that only the tests know."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh
import boto3
from moto.server import ThreadedMotoServer

HERE = "127.0.0.1"


@contextmanager
def s3(bucket: str) -> Iterator[dict[str, str]]:
    """Serve an S3 with this bucket. Yields the environment in which AWS's clients find it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address=HERE, port=0)
    server.start()
    host, port = server.get_host_and_port()
    secrets = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}
    environment = {name.upper(): value for name, value in secrets.items()}
    environment |= {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_DEFAULT_REGION": "us-east-1"}
    try:
        client = boto3.client("s3", "us-east-1", endpoint_url=environment["AWS_ENDPOINT_URL"], **secrets)
        client.create_bucket(Bucket=bucket)
        yield environment
    finally:
        server.stop()


@contextmanager
def ssh(name: str, folder: Path) -> Iterator[dict[str, str]]:
    """Serve `folder`/root by SFTP. Yields the environment in which SSH's clients find it as the host `name`."""
    home, root = folder / "home/.ssh", folder / "root"
    home.mkdir(parents=True)
    root.mkdir()
    key, host_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    key.write_private_key(home / "id")
    key.write_public_key(home / "id.pub")
    served = {"server_host_keys": [host_key], "authorized_client_keys": str(home / "id.pub")}
    served["sftp_factory"] = lambda channel: asyncssh.SFTPServer(channel, chroot=str(root))
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncssh.listen(HERE, 0, **served))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    settings = {"HostName": HERE, "Port": server.get_port(), "User": "somebody", "IdentityFile": home / "id"}
    (home / "config").write_text("\n  ".join([f"Host {name}", *(f"{key} {value}" for key, value in settings.items())]))
    try:
        yield {"HOME": str(home.parent)}
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
