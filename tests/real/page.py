"""Looks at the status pages with headless Chromium: a click, a search, both colour schemes.

    python3 tests/real/page.py target/debug/aliyun-flink-exporter [DIRECTORY FOR SCREENSHOTS]

Needs chromium (as $CHROMIUM, or on the path). It is driven over its debugging pipe, without further packages. Exits
with 1 and a message when something differs.
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PORT = 24977
URL = f"http://127.0.0.1:{PORT}"


def expect(condition, message):
    if not condition:
        sys.exit(f"differs: {message}")


class Browser:
    def __init__(self, profile):
        commands, own = os.pipe(), os.pipe()
        self.out, self.into, self.buffer, self.number = commands[1], own[0], b"", 0

        def descriptors():
            # Chromium reads commands from 3 and answers on 4.
            reading, writing = os.dup(commands[0]), os.dup(own[1])
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        program = os.environ.get("CHROMIUM", "chromium")
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", f"--user-data-dir={profile}"]
        self.process = subprocess.Popen(
            [program, *flags], close_fds=False, preexec_fn=descriptors, stderr=subprocess.DEVNULL
        )
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = None
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if getattr(self, "session", None):
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.buffer:
                read = os.read(self.into, 1 << 20)
                expect(read, "the browser ended")
                self.buffer += read
            line, self.buffer = self.buffer.split(b"\0", 1)
            answer = json.loads(line)
            if answer.get("id") == self.number:
                error = answer.get("error")
                if error and "navigated" in error.get("message", ""):
                    return None
                expect(not error, f"{method}: {error}")
                return answer["result"]

    def run(self, script):
        # A click's navigation may replace the page while a script runs in it: then it runs in the next page.
        for _ in range(10):
            result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
            if result is not None:
                expect("exceptionDetails" not in result, f"{script}: {result}")
                return result["result"].get("value")
        sys.exit(f"differs: pages keep replacing each other while {script} runs")

    def until(self, script):
        for _ in range(100):
            if self.run(script):
                return
            time.sleep(0.1)
        sys.exit(f"differs: never {script} on {self.run('location.href')}")

    def open(self, path):
        self.call("Page.navigate", url=URL + path)
        self.until(f"location.pathname == {json.dumps(path)} && document.readyState == 'complete'")

    def click(self, selector):
        """Moves the mouse to its first line and presses it."""
        script = f"(() => {{ let e = document.querySelector({json.dumps(selector)}); e.scrollIntoView(); let r = e.getClientRects()[0]; return [r.x + r.width / 2, r.y + r.height / 2] }})()"
        x, y = self.run(script)
        for kind in ["mousePressed", "mouseReleased"]:
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, text):
        self.call("Input.insertText", text=text)
        for kind in ["keyDown", "keyUp"]:
            self.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r", windowsVirtualKeyCode=13)

    def scheme(self, name):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def shoot(self, path):
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


def look(browser, shots):
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    browser.size(1200, 800)
    backgrounds = []
    for scheme in ["light", "dark"]:
        browser.scheme(scheme)
        browser.open("/")
        backgrounds.append(browser.run("getComputedStyle(document.body).backgroundColor"))
        # A namespace has a row for each collector.
        namespaces = "new Set([...document.querySelectorAll('.target h2 a')].map(link => link.href)).size"
        expect(browser.run(namespaces) == 3, "not three namespaces")
        attention = browser.run("document.querySelector('h1 + .attention').textContent")
        expect("Needs attention" in attention, f"the page does not begin with what needs attention: {attention}")
        browser.shoot(shots / f"status-{scheme}.png")
    expect(backgrounds[0] != backgrounds[1], f"both schemes look alike: {backgrounds}")

    browser.click(".target h2 a")
    browser.until("location.pathname.startsWith('/targets/') && document.readyState == 'complete'")
    rows = browser.run("document.querySelectorAll('td.name').length")
    expect(rows > 20, f"{rows} deployments")
    browser.shoot(shots / "target-dark.png")
    browser.click("th:nth-child(4) a")
    browser.until("location.search.includes('sort=failed') && document.readyState == 'complete'")
    failed = browser.run("[...document.querySelectorAll('tbody tr td:nth-child(4)')].slice(0, 20).map(c => +c.textContent)")
    failed = [number for number in failed if number is not None]
    expect(failed == sorted(failed, reverse=True), f"not sorted: {failed}")

    name = browser.run("document.querySelector('td.name bdi').textContent")
    browser.click("input[type=search]")
    browser.type(name)
    browser.until("location.search.includes('q=') && document.readyState == 'complete'")
    found = browser.run("[...document.querySelectorAll('td.name')].map(c => c.textContent)")
    expect(found and len(found) < rows and all(name in text for text in found), f"search for {name}: {found}")

    target = browser.run("location.pathname")
    browser.click("td.name a")
    browser.until("location.pathname.includes('/deployments/') && document.readyState == 'complete'")
    title = browser.run("document.querySelector('h1').textContent")
    expect(title == name, f"the page of {name} is headed {title}")
    browser.shoot(shots / "deployment-dark.png")

    browser.size(390, 844)
    for path in ["/", target, browser.run("location.pathname")]:
        browser.open(path)
        width = browser.run("document.documentElement.scrollWidth")
        expect(width <= 390, f"{path} is {width} pixels wide on a phone")
        browser.shoot(shots / f"phone-{'status' if path == '/' else 'target' if path == target else 'deployment'}.png")


def main():
    shots = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp())
    shots.mkdir(exist_ok=True)
    command = [sys.argv[1], "demo", "--fault.throttle", "0.3", "--web.listen-address", f"127.0.0.1:{PORT}", "--log.level", "error"]
    demo = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    browser = None
    try:
        for _ in range(300):
            try:
                if urllib.request.urlopen(f"{URL}/-/ready", timeout=5).status == 200:
                    break
            except OSError:
                time.sleep(0.1)
        time.sleep(25)
        browser = Browser(tempfile.mkdtemp())
        look(browser, shots)
        print(f"the pages are as they should be; screenshots in {shots}")
    finally:
        demo.terminate()
        demo.wait(10)
        if browser:
            browser.process.terminate()
            browser.process.wait(10)


if __name__ == "__main__":
    main()
