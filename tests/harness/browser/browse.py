#!/usr/bin/env python3
"""Look at a report in a real browser: on a telephone and a desk, by day and by night, on paper, and by keyboard.

usage: browse.py CHROMIUM REPORT.html REPORT.json [quick]      quick: two of the looks

Headless Chromium is driven over a pipe (the DevTools protocol, --remote-debugging-pipe), so that widths below its least window, colour
schemes and paper can be set. `--dump-dom` with a script in the page was rejected: it can do none of these, and it would change the page.
The network is off, and a request for anything but the page itself is a finding. Prints one line per finding.
Exit: 0 nothing found, 1 findings, 2 the browser cannot be talked to.
"""
import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PHONE, DESK, PAPER = 360, 1280, 718  # CSS pixels; the last: A4 less the margins that Chromium prints with
LOOKS = [  # name, width, colour scheme, medium: each width and each scheme once, as no colour depends on the width, nor a place on the scheme
    ("telephone, light", PHONE, "light", "screen"),
    ("desk, dark", DESK, "dark", "screen"),
    ("paper", PAPER, "light", "print"),
]
QUICK = ("telephone, light", "paper")


class Browser:
    """Chromium as a child; messages are JSON, each ended by a zero byte."""

    def __init__(self, program, profile):
        to_read, self.to = os.pipe()
        self.back, to_write = os.pipe()

        def ends():  # in the child: the protocol has descriptors 3 and 4
            a, b = os.dup(to_read), os.dup(to_write)
            os.dup2(a, 3)
            os.dup2(b, 4)

        words = [program, "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={profile}", "--disable-gpu", "--no-first-run",
                 "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking", "--hide-scrollbars"]
        if os.geteuid() == 0:
            words.append("--no-sandbox")  # it refuses to be root with one
        self.process = subprocess.Popen(words, close_fds=False, preexec_fn=ends, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.rest, self.number, self.session, self.events = b"", 0, None, []

    def message(self):
        while b"\0" not in self.rest:
            got = os.read(self.back, 1 << 20)
            if not got:
                raise EOFError("the browser has ended")
            self.rest += got
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, **params):
        self.number += 1
        call = {"id": self.number, "method": method, "params": params}
        if self.session:
            call["sessionId"] = self.session
        data = json.dumps(call).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        while True:
            said = self.message()
            if said.get("id") == self.number:
                if "error" in said:
                    raise RuntimeError(f"{method}: {said['error']['message']}")
                return said["result"]
            self.events.append(said)

    def until(self, method):
        while not any(e.get("method") == method for e in self.events):
            self.events.append(self.message())

    def value(self, expression):
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"]["description"])
        return result["result"].get("value")

    def close(self):
        try:
            self.session = None
            self.ask("Browser.close")
        except (OSError, EOFError, RuntimeError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def open_page(browser, address):
    target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
    browser.session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Page", "Network", "Runtime", "Log"):
        browser.ask(f"{domain}.enable")
    browser.ask("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    browser.events.clear()
    browser.ask("Page.navigate", url=address)
    browser.until("Page.loadEventFired")


def requests(browser, address):
    """What the page asked for besides itself."""
    return [f"network: the page asks for {url}" for url in
            {e["params"]["request"]["url"] for e in browser.events if e.get("method") == "Network.requestWillBeSent"}
            if url != address and not url.startswith("data:")]


def look(browser, script, width, scheme, medium, figures):
    browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width == PHONE)
    browser.ask("Emulation.setEmulatedMedia", media=medium, features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.value(f"document.querySelectorAll('details').forEach(d => d.open = {'false' if medium == 'print' else 'true'})")
    want = json.dumps({"figures": figures, "width": width, "print": medium == "print"})
    return browser.value(f"{script.strip()}({want})")


def keyboard(browser):
    """Along the page by the Tab key: each stop differs from the one before it, and is to be seen."""
    found, before = [], None
    browser.value("document.activeElement && document.activeElement.blur(); scrollTo(0, 0)")
    for i in range(12):
        for kind in ("rawKeyDown", "keyUp"):
            browser.ask("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        at = browser.value("""(() => { const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();
            return {number: [...document.querySelectorAll('*')].indexOf(e), is: e.tagName + ' ' + e.textContent.trim().slice(0, 40),
                    ring: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0, box: b.width > 1 && b.height > 1,
                    inside: b.bottom > 0 && b.top < innerHeight && b.right > 0 && b.left < innerWidth}; })()""")
        if at["is"].startswith("BODY"):
            return found + ([f"keyboard: Tab reaches only {i} things"] if i < 3 else [])
        if at["number"] == before:
            found.append(f"keyboard: Tab does not leave {at['is']}")
            break
        before = at["number"]
        if not (at["ring"] and at["box"] and at["inside"]):
            found.append(f"keyboard: the focus is not to be seen on {at['is']}")
    return found


def paper(browser):
    browser.ask("Emulation.setEmulatedMedia", media="", features=[])
    pdf = base64.b64decode(browser.ask("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=False, pageRanges="1-3")["data"])
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    return [] if pdf.startswith(b"%PDF-") and pages == 3 else [f"paper: {len(pdf)} bytes, {pages} pages where 3 were asked for"]


def main(chromium, page, report, quick=None):
    with open(report, encoding="utf-8") as f:
        figures = [p["title"] for p in json.load(f)["plots"] if p["svg"]]
    script = pathlib.Path(__file__).with_name("look.js").read_text(encoding="utf-8")
    address = pathlib.Path(page).resolve().as_uri()
    found, looks = [], [at for at in LOOKS if not quick or at[0] in QUICK]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(chromium, profile)
        try:
            open_page(browser, address)
            folded = browser.value("(d => d.length - d.filter(e => e.open).length)([...document.querySelectorAll('details')])")
            print(f"{page}: {len(figures)} figures wanted, {folded} folded parts, title '{browser.value('document.title')}'")
            found += [f"by keyboard: {f}" for f in keyboard(browser)]
            found += paper(browser) if quick else []  # of a long page a PDF takes as long as all else
            seen = {}  # a sentence and where it was said
            for name, width, scheme, medium in looks:
                for sentence in dict.fromkeys(look(browser, script, width, scheme, medium, figures)):
                    seen.setdefault(sentence, []).append(name)
            found += [f"{s} ({'everywhere' if len(w) == len(looks) else '; '.join(w)})" for s, w in seen.items()]
            found += requests(browser, address)
        except (OSError, EOFError, RuntimeError) as e:
            print(f"the browser cannot be talked to: {e}")
            return 2
        finally:
            browser.close()
    print("\n".join(found) if found else "nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    if not 4 <= len(sys.argv) <= 5:
        print(__doc__)
        sys.exit(2)
    sys.exit(main(*sys.argv[1:]))
