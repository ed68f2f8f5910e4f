"""Asks the exporter and the official SDK for credentials in the same surroundings, and compares what they found.

    pip install alibabacloud_credentials
    cargo build
    python3 tests/real/credentials.py target/debug/aliyun-flink-exporter

A local server stands for STS, the ECS metadata service, a credentials URI and the API. The key that it issues says
who asked for which role with which parameters, and the API verifies the signature of each request: so the same
credential means the same question. Exits with 1 and a message for each case that differs.
"""

import hashlib
import hmac
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, urlsplit

# What the SDK runs: its own chain, all of whose requests go to the local server.
SDK = """
import json, os, sys
from Tea.core import TeaCore
send = TeaCore.do_action
def to_local_server(request, *rest):
    request.protocol, request.port = "http", int(sys.argv[1])
    request.headers["host"] = "127.0.0.1"
    return send(request, *rest)
TeaCore.do_action = to_local_server
from alibabacloud_credentials.provider import DefaultCredentialsProvider
found = DefaultCredentialsProvider().get_credentials()
key = [found.get_access_key_id(), found.get_access_key_secret(), found.get_security_token() or ""]
print(json.dumps(key), flush=True)
os._exit(0)
"""

LISTING = {"success": True, "requestId": "R", "totalSize": 0, "pageSize": 100, "data": []}
EXPIRATION = "2999-01-01T00:00:00Z"
# The names that clients give a session when nothing else is asked for.
DEFAULT_SESSIONS = ("credentials-python-", "aliyun-flink-exporter")


def issued(*facts):
    identity = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]
    key = f"STS.{identity}"
    return {
        "AccessKeyId": key,
        "AccessKeySecret": secret_of(key),
        "SecurityToken": f"token-of-{key}",
        "Expiration": EXPIRATION,
    }


def secret_of(key):
    return f"secret-of-{key}"


def is_signed(handler, query):
    """Whether the request carries the ACS3 signature of its key."""
    fields = dict(part.split("=", 1) for part in handler.headers["authorization"].split(" ", 1)[1].split(","))
    canonical_query = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted(query))
    headers = "".join(f"{name}:{handler.headers[name].strip()}\n" for name in fields["SignedHeaders"].split(";"))
    request = "\n".join(
        [
            handler.command,
            urlsplit(handler.path).path,
            canonical_query,
            headers,
            fields["SignedHeaders"],
            handler.headers["x-acs-content-sha256"],
        ]
    )
    string_to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(request.encode()).hexdigest()
    secret = secret_of(fields["Credential"])
    return hmac.new(secret.encode(), string_to_sign.encode(), hashlib.sha256).hexdigest() == fields["Signature"]


def caller(handler):
    return dict(part.split("=", 1) for part in handler.headers["authorization"].split(" ", 1)[1].split(","))[
        "Credential"
    ]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        self.answer(*((404, "") if self.server.imds_v1 else (200, "session-token")))

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_POST(self):
        self.do_GET()

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        address = urlsplit(self.path)
        query = parse_qsl(address.query, keep_blank_values=True)
        if address.path == "/":
            return self.sts(query, dict(query + parse_qsl(body)))
        if address.path.startswith("/latest/meta-data/ram/security-credentials/"):
            role = address.path.rsplit("/", 1)[1]
            return self.answer(200, {"Code": "Success", **issued("ecs", role)} if role else "discovered-role")
        if address.path == "/uri":
            return self.answer(200, {"Code": "Success", **issued("uri", query)})
        if address.path.startswith("/api/v2/namespaces/"):
            if not is_signed(self, query):
                return self.answer(403, {"Code": "SignatureDoesNotMatch", "RequestId": "R"})
            self.server.seen.append((caller(self), self.headers.get("x-acs-security-token", "")))
            return self.answer(200, LISTING)
        return self.answer(404, "")

    def sts(self, query, parameters):
        if "authorization" in self.headers:
            if not is_signed(self, query):
                return self.answer(403, {"Code": "SignatureDoesNotMatch", "RequestId": "R"})
            who, token = caller(self), self.headers.get("x-acs-security-token", "")
        else:
            who, token = parameters.get("AccessKeyId", ""), parameters.get("SecurityToken", "")
        session = parameters.get("RoleSessionName", "")
        asked = [
            parameters.get(name, "")
            for name in ("RoleArn", "DurationSeconds", "Policy", "ExternalId", "OIDCProviderArn")
        ]
        session = "" if session.startswith(DEFAULT_SESSIONS) else session
        # The Python SDK does not trim the token.
        oidc_token = parameters.get("OIDCToken", "").strip()
        return self.answer(
            200, {"RequestId": "R", "Credentials": issued(who, token, oidc_token, session, asked)}
        )


AK = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "env", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret-of-env"}
OIDC = {
    "ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/rrsa",
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::1:oidc-provider/ack",
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE": "HOME/token",
}
NO_ECS = {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}

CLI = {
    "current": "ak",
    "profiles": [
        {"name": "ak", "mode": "AK", "access_key_id": "cli-ak", "access_key_secret": "secret-of-cli-ak"},
        {
            "name": "sts",
            "mode": "StsToken",
            "access_key_id": "cli-sts",
            "access_key_secret": "secret-of-cli-sts",
            "sts_token": "cli-token",
        },
        {
            "name": "role",
            "mode": "RamRoleArn",
            "access_key_id": "cli-ak",
            "access_key_secret": "secret-of-cli-ak",
            "ram_role_arn": "acs:ram::1:role/cli",
            "ram_session_name": "cli-session",
            "expired_seconds": 900,
            "external_id": "cli-external",
            "policy": '{"Version":"1"}',
        },
        {
            "name": "chain",
            "mode": "ChainableRamRoleArn",
            "source_profile": "role",
            "ram_role_arn": "acs:ram::2:role/chained",
            "ram_session_name": "chained-session",
        },
        {"name": "ecs", "mode": "EcsRamRole", "ram_role_name": "cli-role"},
        {
            "name": "oidc",
            "mode": "OIDC",
            "ram_role_arn": "acs:ram::1:role/cli-oidc",
            "oidc_provider_arn": "acs:ram::1:oidc-provider/cli",
            "oidc_token_file": "HOME/token",
            "role_session_name": "cli-oidc-session",
        },
        {"name": "odd", "mode": "Unheard-of"},
    ],
}

INI = """
; a comment
[default]
type = access_key
access_key_id = ini-ak   # cut here
access_key_secret = secret-of-ini-ak#and here

[role]
Type: ram_role_arn
Access_Key_Id: ini-ak
access_key_secret: secret-of-ini-ak
role_arn: acs:ram::1:role/ini
role_session_name: ini-session
policy: {"Version":"1"}

[oidc]
type = oidc_role_arn
role_arn = acs:ram::1:role/ini-oidc
oidc_provider_arn = acs:ram::1:oidc-provider/ini
oidc_token_file_path = HOME/token
role_session_name = ini-oidc-session

[ecs]
type = ecs_ram_role
role_name = ini-role
"""

CLI_FILE, INI_FILE = ".aliyun/config.json", ".alibabacloud/credentials.ini"
GO_INI_FILE = ".alibabacloud/credentials"
BOTH = {CLI_FILE: json.dumps(CLI), INI_FILE: INI}


def profile(name, files, **more):
    return (f"{'/'.join(files)}: profile {name}", {"ALIBABA_CLOUD_PROFILE": name, **more}, files)


# A name, the environment, the files in HOME; then perhaps the environment in which the SDK finds the same.
CASES = [
    ("environment, an access key", AK, BOTH),
    ("environment, a temporary key", {**AK, "ALIBABA_CLOUD_SECURITY_TOKEN": "env-token"}, {}),
    ("environment, an empty token", {**AK, "ALIBABA_CLOUD_SECURITY_TOKEN": ""}, {}),
    ("environment, half a key: the next link", {"ALIBABA_CLOUD_ACCESS_KEY_ID": "env"}, BOTH),
    ("OIDC before files", OIDC, BOTH),
    ("OIDC with a session's name", {**OIDC, "ALIBABA_CLOUD_ROLE_SESSION_NAME": "env-session"}, {}),
    ("half of OIDC: the next link", {"ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/rrsa"}, BOTH),
    ("CLI, the current profile, before INI", {}, BOTH),
    *[profile(name, {CLI_FILE: json.dumps(CLI)}) for name in ("ak", "sts", "role", "chain", "ecs", "oidc")],
    profile("odd", {CLI_FILE: json.dumps(CLI), INI_FILE: INI.replace("[default]", "[odd]")}),
    ("CLI switched off: INI", {"ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "TRUE"}, BOTH),
    *[profile(name, {INI_FILE: INI}) for name in ("default", "role", "oidc", "ecs")],
    ("INI named by a variable", {"ALIBABA_CLOUD_CREDENTIALS_FILE": "HOME/elsewhere"}, {"elsewhere": INI}),
    (
        "INI by the Go SDK's name",
        NO_ECS,
        {GO_INI_FILE: INI},
        {"ALIBABA_CLOUD_CREDENTIALS_FILE": f"HOME/{GO_INI_FILE}"},
    ),
    ("ECS, the role discovered", {}, {}),
    ("ECS, the role named", {"ALIBABA_CLOUD_ECS_METADATA": "named-role"}, {}),
    ("ECS before the URI", {"ALIBABA_CLOUD_CREDENTIALS_URI": "http://127.0.0.1:PORT/uri"}, {}),
    ("URI", {**NO_ECS, "ALIBABA_CLOUD_CREDENTIALS_URI": "http://127.0.0.1:PORT/uri?a=b"}, {}),
    ("nothing at all", NO_ECS, {}),
]


class Judge:
    def __init__(self, binary):
        self.binary = os.path.abspath(binary)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.seen, self.server.imds_v1 = [], False
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def surroundings(self, home, variables):
        fill = lambda text: text.replace("HOME", home).replace("PORT", str(self.port))
        return {"PATH": os.environ["PATH"], "HOME": home, **{k: fill(v) for k, v in variables.items()}}

    def sdk(self, environment):
        ran = subprocess.run(
            [sys.executable, "-c", SDK, str(self.port)], env=environment, capture_output=True, text=True, timeout=60
        )
        return json.loads(ran.stdout) if ran.returncode == 0 else None

    def exporter(self, environment):
        here = f"http://127.0.0.1:{self.port}"
        environment = {
            **environment,
            "ALIYUN_FLINK_EXPORTER_CREDENTIALS": f'{{type=default,sts_endpoint="{here}",metadata_endpoint="{here}"}}',
            "ALIYUN_FLINK_EXPORTER_WORKSPACES": f'[{{id=w,endpoint="{here}",namespaces=[n]}}]',
        }
        self.server.seen.clear()
        ran = subprocess.run(
            [self.binary, "doctor", "--format", "json", "--log.level", "trace"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        for secret in ("secret-of-", "token-of-", "-token\"", "a.jwt"):
            if secret in ran.stdout + ran.stderr:
                raise AssertionError(f"a secret is shown ({secret}):\n{ran.stdout}{ran.stderr}")
        report = json.loads(ran.stdout)
        found = self.server.seen[-1] if self.server.seen else None
        return found and [found[0], secret_of(found[0]), found[1]], report["targets"][0]

    def judge(self, name, variables, files, for_sdk=None):
        with tempfile.TemporaryDirectory() as home:
            for path, text in {"token": "a.jwt\n", **files}.items():
                file = pathlib.Path(home, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text.replace("HOME", home))
            expected = self.sdk(self.surroundings(home, {**variables, **(for_sdk or {})}))
            found, target = self.exporter(self.surroundings(home, variables))
        same = expected == found
        where = (target["origin"] or "nothing found").replace(home, "~")
        print(f"{'same' if same else 'DIFFERENT':9}  {name:45}  {where}")
        return same

    def run(self):
        results = [self.judge(*case) for case in CASES]
        self.server.imds_v1 = True
        results.append(self.judge("ECS, IMDSv1 alone", {}, {}))
        results.append(self.judge("ECS, IMDSv1 switched off", {"ALIBABA_CLOUD_IMDSV1_DISABLED": "true"}, {}))
        print(f"{sum(results)} of {len(results)} cases are the same")
        return all(results)


if __name__ == "__main__":
    sys.exit(0 if Judge(sys.argv[1]).run() else 1)
