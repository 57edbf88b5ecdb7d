"""The servers under measurement: how each is started, and how the load of lenscap-bench reaches it."""
import json, os, pathlib, re, resource, subprocess, time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = ROOT / "build" / "release" / "bin"
LIMIT_S = 180


def run(words, limit=LIMIT_S, **more):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=limit, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{words[0]}: {done.stdout}{done.stderr}"[-2000:])
    return done.stdout


class Server:
    """A server under measurement: starts, and says how the load reaches it."""
    patience_s = 30

    def __init__(self, home):
        self.home = home
        self.process = None
        self.words = []  # for lenscap-bench
        self.first = 0   # number of the first name that was not asked for yet

    def spawn(self, words, **more):
        log = open(self.home / "server.log", "ab")
        self.process = subprocess.Popen([str(w) for w in words], stdout=log, stderr=log, **more)

    def wait_for(self, url, ca):
        end = time.monotonic() + self.patience_s
        while subprocess.run(["curl", "-sf", "--cacert", str(ca), url], capture_output=True).returncode != 0:
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError((self.home / "server.log").read_text()[-3000:])
            time.sleep(0.01)

    def log_field(self, event, field):
        """The last value of a field of an event in the server's log."""
        for line in reversed((self.home / "server.log").read_text().splitlines()):
            if f'"event":"{event}"' in line:
                return json.loads(line)[field]
        return None

    def load(self, count, *more, names=1, pending=0):
        words = [BIN / "lenscap-bench", "--pid", self.process.pid, "--count", count, "--first", self.first, *self.words, *more]
        if names != 1:
            words += ["--names", names]
        if pending:
            words += ["--pending", pending]
        self.first += (count + pending) * names
        return json.loads(run(words))

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()


class Ours(Server):
    name = "ours"

    def start(self, grant=False):
        self.init()
        self.serve()
        self.make_key(grant)

    def init(self):
        passphrases = self.home / "passphrases"
        passphrases.write_text("the issuing key's words\nthe root's own words\n")
        passphrases.chmod(0o600)
        self.command = [BIN / "lenscap-ca", "--state", self.home / "ca"]
        self.ca = self.home / "ca" / "keys" / "root.pem"
        self.nonce_url = "https://localhost:14001/acme/new-nonce"
        self.directory_url = "https://localhost:14001/acme/directory"
        if self.ca.exists():
            return
        run(self.command + ["init", "--name", "Bench", "--permit-dns", "localhost", "--permit-ip", "127.0.0.0/8", "--url", "https://localhost:14001",
                  "--listen", "127.0.0.1:14001", "--http", "127.0.0.1:14002", "--passphrase-file", passphrases])
        # One machine is all clients at once, and leaves as many orders pending and has as many certificates as it likes.
        settings = self.home / "ca" / "ca.toml"
        text = settings.read_text()
        text = text.replace("[server]\n", "[server]\nconnections_per_address = 4096\n", 1)
        settings.write_text(text.replace("[acme]\n", "[acme]\npending_orders = 100000\n", 1) + "[signer]\nper_minute = 0\nper_day = 0\n")

    def serve(self, before=()):
        # Descriptors for 2,000 connections.
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        more = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        begin = time.monotonic()
        self.spawn([*before, *self.command, "serve"], preexec_fn=more)
        self.wait_for(self.directory_url, self.ca)
        self.started_s = time.monotonic() - begin

    def make_key(self, grant=False):
        kind = "--grant-ip" if grant else "--prove-ip"
        key = json.loads(run(self.command + ["--output", "json", "eab", "create", kind, "127.0.0.0/8", "--uses", "many"]))
        mac = self.home / "mac"
        mac.write_text(key["mac_key"] + "\n")
        mac.chmod(0o600)
        self.words = ["--url", self.directory_url, "--ca", self.ca, "--http-port", 80, "--eab-kid", key["kid"], "--eab-mac-file", mac]


class Counted(Ours):
    """Ours under callgrind, which counts instructions whatever else the machine does; with its store in memory, since
    LMDB's map is larger than valgrind allows. It costs no disk, so the count is that of everything else."""
    name = "counted"
    patience_s = 300

    def start(self):
        self.init()
        settings = self.home / "ca" / "ca.toml"
        # Only what is in one process is counted.
        settings.write_text(settings.read_text().replace("lmdb:db", "memory:") + "process = false\n")
        self.serve(before=["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.home}/callgrind"])
        self.make_key()

    def instructions(self, count, **more):
        run(["callgrind_control", "-z", self.process.pid])
        self.load(count, "--workers", 4, **more)
        run(["callgrind_control", "-d", self.process.pid])
        newest = max(self.home.glob("callgrind.*"), key=lambda file: file.stat().st_mtime_ns)
        total = re.search(r"^totals: (\d+)", newest.read_text(), re.M)
        return int(total.group(1)) / count


class Granted(Ours):
    name = "granted"

    def start(self):
        super().start(grant=True)


class Pebble(Server):
    name = "pebble"

    def start(self):
        certificate(self.home)
        (self.home / "pebble.json").write_text(json.dumps({"pebble": {
            "listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000", "certificate": str(self.home / "tls.pem"),
            "privateKey": str(self.home / "tls.key"), "httpPort": 80, "tlsPort": 443}}))
        quiet = dict(os.environ, PEBBLE_VA_NOSLEEP="1", PEBBLE_WFE_NONCEREJECT="0", PEBBLE_AUTHZREUSE="0")
        self.spawn(["pebble", "-config", self.home / "pebble.json"], env=quiet)
        self.wait_for("https://localhost:14000/dir", self.home / "tls.pem")
        self.words = ["--url", "https://localhost:14000/dir", "--ca", self.home / "tls.pem", "--http-port", 80]


class Caddy(Server):
    name = "caddy"

    def start(self):
        (self.home / "Caddyfile").write_text(
            "{\n admin off\n auto_https disable_redirects\n skip_install_trust\n http_port 9080\n https_port 9443\n"
            f" storage file_system {self.home}/caddy\n}}\nhttps://localhost:9443 {{\n tls internal\n acme_server\n}}\n")
        self.spawn(["caddy", "run", "--config", self.home / "Caddyfile", "--adapter", "caddyfile"], env=dict(os.environ, HOME=str(self.home)))
        root = self.home / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        self.wait_for("https://localhost:9443/acme/local/directory", root)
        self.words = ["--url", "https://localhost:9443/acme/local/directory", "--ca", root, "--http-port", 80]


class Bare(Server):
    name = "bare"

    def start(self):
        certificate(self.home)
        port_file = self.home / "port"
        self.spawn([BIN / "bench-bare", self.home / "tls.pem", self.home / "tls.key", port_file])
        while not port_file.exists() or not port_file.read_text().endswith("\n"):
            time.sleep(0.05)
        self.nonce_url = f"https://localhost:{port_file.read_text().strip()}/"
        self.ca = self.home / "tls.pem"


def certificate(home):
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", home / "tls.key",
         "-out", home / "tls.pem", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
