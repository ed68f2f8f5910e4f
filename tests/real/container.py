"""Builds the image's final stage and runs it as a confined container.

container.py PROGRAM BUILDAH RUNC, as root: the static program that the first stage would have built.
"""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import urllib.request
from pathlib import Path

DOCKERFILE = Path("deploy/container/Dockerfile")
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
PATIENCE = 20


class Image:
    """The image of the Dockerfile, its first stage replaced by this machine's counterparts of what is copied from it."""

    def __init__(self, buildah, directory, built):
        self.command = [buildah, "--storage-driver", "vfs"]
        self.command += ["--root", directory / "storage", "--runroot", directory / "run"]
        (directory / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        (directory / "registries.conf").write_text("")
        self.policy = ["--signature-policy", directory / "policy.json"]
        # No registry is asked for anything.
        self.command += ["--registries-conf", directory / "registries.conf"]
        first, final = re.fullmatch(r"(.*)^(FROM scratch\n.*)", DOCKERFILE.read_text(), re.M | re.S).groups()
        assert "bash scripts/release static" in first, "the first stage builds by another recipe than this test"
        context = directory / "context"
        program = re.search(r"install -D \S+ (\S+)", first).group(1)
        for source, path in ((AUTHORITIES, AUTHORITIES), (built, program)):
            (context / path.lstrip("/")).parent.mkdir(parents=True)
            shutil.copy(source, context / path.lstrip("/"))
        state = re.search(r"install -d (\S+)", first).group(1)
        (context / state.lstrip("/")).mkdir(parents=True)
        (context / "Dockerfile").write_text(f"FROM scratch AS build\nCOPY . /\n{final}")
        # Docker's format: the other has no health check.
        build = ["build", "--isolation", "chroot", *self.policy, "--format", "docker", "--tag", "image"]
        self.buildah(*build, "--build-arg", "REVISION=0123456789ab", context)
        self.config = json.loads(self.buildah("inspect", "--type", "image", "image"))["Docker"]["config"]
        self.user, self.entrypoint = self.config["User"], self.config["Entrypoint"]
        (self.port,) = (port.removesuffix("/tcp") for port in self.config["ExposedPorts"])
        form, *self.health = self.config["Healthcheck"]["Test"]
        assert form == "CMD", f"the health check needs a shell: {form}"

    def buildah(self, *arguments):
        command = [*map(str, self.command), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout.strip()

    def mount(self):
        """Mounts a container of the image; tells where."""
        self.container = self.buildah("from", "--pull-never", *self.policy, "localhost/image")
        return Path(self.buildah("mount", self.container))

    def unmount(self):
        self.buildah("umount", self.container)


CONFIG = "/etc/aliyun-flink-exporter"
STATE = "/var/lib/aliyun-flink-exporter"


class Containers:
    """Runs containers of the image: with a root that cannot be written, without capabilities, in the host's network."""

    def __init__(self, image, root, directory, runc, resolver):
        self.image, self.root, self.directory = image, root, directory
        self.command = [runc, "--root", str(directory / "containers")]
        self.count = 0
        self.files = sorted(f"/{path.relative_to(root)}" for path in root.rglob("*") if path.is_file())
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", image.user), f"the user {image.user} is no number, or root"
        user, group = map(int, image.user.split(":"))
        # What an engine mounts: its own files, the configuration's directory, and a new volume that belongs to whom the
        # image's directory does.
        self.config, self.state = directory / "config", directory / "state"
        self.config.mkdir()
        self.state.mkdir()
        (directory / "resolv.conf").write_text(f"nameserver {resolver}\noptions timeout:1 attempts:1\n")
        (directory / "hosts").write_text("127.0.0.1 localhost\n")
        owner = (root / STATE.lstrip("/")).stat()
        os.chown(self.state, owner.st_uid, owner.st_gid)
        mounts = {"/etc/resolv.conf": "resolv.conf", "/etc/hosts": "hosts", CONFIG: "config", STATE: "state"}
        specification = directory / "specification"
        specification.mkdir()
        subprocess.run([*self.command, "spec", "--bundle", specification], check=True)
        self.specification = json.loads((specification / "config.json").read_text())
        process = self.specification["process"]
        process |= {"terminal": False, "user": {"uid": user, "gid": group}, "noNewPrivileges": True}
        process["rlimits"] = [{"type": "RLIMIT_NOFILE", "hard": 4096, "soft": 4096}]
        process["capabilities"] = {kind: [] for kind in process["capabilities"]}
        self.specification["root"] = {"path": str(root), "readonly": True}
        for target, source in mounts.items():
            access = "rw" if target == STATE else "ro"
            mount = {"destination": target, "type": "bind", "source": str(directory / source), "options": ["rbind", access]}
            self.specification["mounts"].append(mount)
        linux = self.specification["linux"]
        linux["namespaces"] = [space for space in linux["namespaces"] if space["type"] != "network"]

    def start(self, command, **environment):
        return Container(self, command, environment)

    def run(self, command, **environment):
        with self.start(command, **environment) as container:
            return container.wait()


class Container:
    """A container that runs."""

    def __init__(self, containers, command, environment):
        containers.count += 1
        self.runc, self.name = containers.command, f"exporter-{os.getpid()}-{containers.count}"
        bundle = containers.directory / self.name
        bundle.mkdir()
        specification = json.loads(json.dumps(containers.specification))
        variables = [*containers.image.config["Env"], *(f"{name}={value}" for name, value in environment.items())]
        specification["process"] |= {"args": list(command), "env": variables}
        (bundle / "config.json").write_text(json.dumps(specification))
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self.process = subprocess.Popen([*self.runc, "run", "--bundle", bundle, self.name], text=True, **streams)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run([*self.runc, "delete", "--force", self.name], capture_output=True, timeout=PATIENCE)
        self.process.kill()
        self.process.communicate()

    def wait(self):
        """Its exit code and output."""
        output, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, output

    def pid(self):
        """The program's, outside of the container."""
        state = subprocess.run([*self.runc, "state", self.name], check=True, capture_output=True, timeout=PATIENCE)
        return json.loads(state.stdout)["pid"]

    def execute(self, command):
        """Runs another program in the container, as a health check does."""
        done = subprocess.run([*self.runc, "exec", self.name, *command], capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stdout + done.stderr

    def kill(self, number):
        os.kill(self.pid(), number)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(port, path):
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
        return reply.read().decode()


def until(what, attempt):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if attempt():
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {what}"
        time.sleep(0.1)


class NameServer(threading.Thread):
    """Knows one name, of this machine; on an address of the loopback network that nobody else uses."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self.host = name
        self.question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = f"127.{os.getpid() % 200 + 20}.{os.getpid() // 200 % 250}.53"
        self.socket.bind((self.address, 53))
        self.start()

    def run(self):
        while True:
            query, client = self.socket.recvfrom(512)
            end = query.index(b"\0", 12) + 5
            known = query[12 : end - 4] == self.question
            of_ipv4 = query[end - 4 : end - 2] == b"\0\1"
            answers = 1 if known and of_ipv4 else 0
            # A response, recursion available; code 3 is "no such name".
            head = query[:2] + b"\x81" + bytes([0x80 if known else 0x83]) + b"\0\1" + bytes([0, answers]) + b"\0\0\0\0"
            record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1"
            self.socket.sendto(head + query[12:end] + record * answers, client)


def authority(directory, name):
    """An authority of the test's, and a server with its certificate for `name` that answers everything with 403."""
    authority, certificate, key = directory / "ca.pem", directory / "server.pem", directory / "server.key"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    make = ["openssl", "req", "-x509", *curve, "-nodes", "-days", "2"]
    issuer = [*make, "-subj", "/CN=test", "-keyout", directory / "ca.key", "-out", authority]
    leaf = [*make, "-subj", f"/CN={name}", "-keyout", key, "-out", certificate]
    leaf += ["-CA", authority, "-CAkey", directory / "ca.key"]
    extensions = [f"subjectAltName=DNS:{name}", "basicConstraints=critical,CA:FALSE"]
    leaf += [part for extension in extensions for part in ("-addext", extension)]
    for command in (issuer, leaf):
        subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        body = b'{"Code":"Forbidden.RAM","Message":"from the test"}'
        reply = b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
        while True:
            connection, _ = listener.accept()
            try:
                connection.settimeout(5)
                with context.wrap_socket(connection, server_side=True) as stream:
                    stream.recv(65536)
                    stream.sendall(reply)
            except OSError:
                connection.close()

    threading.Thread(target=serve, daemon=True).start()
    return authority, listener.getsockname()[1]


def is_described(image, containers):
    """The image holds two files; its labels are of this program, its port is where that listens by itself."""
    assert containers.files == sorted([*image.entrypoint, AUTHORITIES]), containers.files
    cargo = tomllib.loads(Path("Cargo.toml").read_text())
    manifest = cargo["package"] | cargo["workspace"]["package"]
    wanted = {name: manifest[key] for name, key in (("title", "name"), ("licenses", "license"))}
    wanted |= {name: manifest[name] for name in ("description", "version")} | {"revision": "0123456789ab"}
    labels = {name: image.config["Labels"].get(f"org.opencontainers.image.{name}") for name in wanted}
    assert labels == wanted, labels
    for program in (image.entrypoint, [manifest["name"]]):
        code, output = containers.run([*program, "--version"])
        assert code == 0 and manifest["version"] in output, (code, output)
    for command in ([*image.entrypoint, "run"], image.health):
        code, output = containers.run([*command, "--help"])
        assert code == 0 and f"[default: :{image.port}]" in " ".join(output.split()), (code, output)


def serves_and_stops(containers):
    """The demo serves, the health check tells, the user is the image's and has no privileges, SIGTERM ends it well."""
    port = free_port()
    listen = f"--web.listen-address=127.0.0.1:{port}"
    entrypoint, health = containers.image.entrypoint, [*containers.image.health, listen]
    code, output = containers.run(health)
    assert code == 1 and "Connection refused" in output, (code, output)
    with containers.start([*entrypoint, "demo", listen, f"--state.path={STATE}/state.redb"]) as demo:
        until("readiness", lambda: get(port, "/-/ready"))
        assert demo.execute(health) == (0, f"http://127.0.0.1:{port}/-/healthy answers 200 OK\n")
        metrics = get(port, "/metrics")
        assert re.search(r"^aliyun_flink_target_up\{.*\} 1$", metrics, re.M), metrics[:500]
        assert "\naliyun_flink_exporter_state_healthy 1\n" in metrics, "the user can't write the state"
        assert (containers.state / "state.redb").stat().st_mode & 0o777 == 0o600
        status = dict(re.findall(r"^(\w+):\t(.*)$", Path(f"/proc/{demo.pid()}/status").read_text(), re.M))
        ids = ":".join(status[name].split()[0] for name in ("Uid", "Gid"))
        assert ids == containers.image.user, ids
        assert status["NSpid"].split()[1:] == ["1"] and status["NoNewPrivs"] == "1", status
        assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0, status
        demo.kill(signal.SIGSTOP)
        code, output = demo.execute(health)
        assert code == 1 and "doesn't answer within" in output, (code, output)
        demo.kill(signal.SIGCONT)
        demo.kill(signal.SIGTERM)
        code, output = demo.wait()
        assert code == 0, (code, output)


def runs_as_any_user(containers):
    """OpenShift assigns a user, in the group 0."""
    process, port = containers.specification["process"], free_port()
    usual, process["user"] = process["user"], {"uid": 1000650000, "gid": 0}
    try:
        with containers.start([*containers.image.entrypoint, "demo", f"--web.listen-address=127.0.0.1:{port}"]) as demo:
            until("readiness", lambda: get(port, "/-/ready"))
            status = dict(re.findall(r"^(\w+):\t(.*)$", Path(f"/proc/{demo.pid()}/status").read_text(), re.M))
            assert status["Uid"].split()[0] == "1000650000", status["Uid"]
    finally:
        process["user"] = usual


def sees_edits_of_the_mounted_configuration(containers):
    """Editors replace the file. What they leave is read at SIGHUP; who may not read it is named."""
    port = free_port()
    key = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"}
    command = [*containers.image.entrypoint, f"--config.file={CONFIG}/flink.yml", f"--web.listen-address=127.0.0.1:{port}"]

    def write(namespaces, mode=0o644):
        new = containers.config / "flink.yml.new"
        new.write_text(f"workspaces: [{{id: w1, endpoint: 'http://127.0.0.1:1', namespaces: {namespaces}}}]\n")
        new.chmod(mode)
        new.rename(containers.config / "flink.yml")

    write("[first]", 0o600)
    code, output = containers.run(command, **key)
    user = containers.image.user.split(":")[0]
    assert code == 2 and f"permission denied: make it readable for user {user}" in output, (code, output)
    write("[first]")
    with containers.start(command, **key) as exporter:
        until("the first target", lambda: 'namespace="first"' in get(port, "/metrics"))
        write("[second]")
        exporter.kill(signal.SIGHUP)
        until("the second target", lambda: 'namespace="second"' in get(port, "/metrics"))


def finds_names_and_authorities(containers, directory, names):
    """The static program looks names up, and trusts the image's authorities and no other."""
    trusted, port = authority(directory, names.host)
    key = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"}
    config = containers.config / "flink.yml"

    def doctor(host):
        config.write_text(f"workspaces: [{{id: w1, endpoint: 'https://{host}:{port}', namespaces: [n1]}}]\n")
        code, output = containers.run([*containers.image.entrypoint, "doctor", f"--config.file={CONFIG}/flink.yml"], **key)
        assert code == 1, output
        return output

    def expect(output, *words):
        for word in words:
            assert re.search(word, output), f"{word} is not in\n{output}"

    bundle = containers.root / AUTHORITIES.lstrip("/")
    expect(doctor("no-such-name.example"), "FAILED +dns +no-such-name.example has no address")
    expect(doctor(names.host), f"ok +dns +{names.host} is 127.0.0.1", "FAILED +tls .*UnknownIssuer")
    with bundle.open("a") as file:
        file.write(trusted.read_text())
    expect(doctor(names.host), "ok +tls", "FAILED +call .*from the test")
    bundle.unlink()
    expect(doctor(names.host), "No CA certificates")


def main():
    built, buildah, runc = sys.argv[1:]
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        image = Image(buildah, directory, built)
        names = NameServer("flink.example")
        root = image.mount()
        try:
            containers = Containers(image, root, directory, runc, names.address)
            is_described(image, containers)
            serves_and_stops(containers)
            runs_as_any_user(containers)
            sees_edits_of_the_mounted_configuration(containers)
            finds_names_and_authorities(containers, directory, names)
        finally:
            image.unmount()
        print(f"the image holds {' and '.join(containers.files)}, and runs as {image.user}")


if __name__ == "__main__":
    main()
