#!/usr/bin/env python3
"""A subject to start from in Python: one file, the standard library alone. docs/subject-protocol.md has the rules.

    install -D asyncio_subject.py mine/subject-asyncio && switchyard subject check mine/subject-asyncio
    SWITCHYARD_SUBJECTS=$PWD/mine switchyard run --subjects gmp,asyncio -f 'workload:spawn/flat OR workload:net/echo'

What is yours to change is marked 1 and 2: the bodies, and what is offered. A workload's name, version and parameters are those of
`switchyard list`: equal work is proven by the certificate, which the harness computes itself. Between begin() and end()
is the region that is timed. Nothing is written there. A server has no such region: the load generator times it.
"""
import asyncio
import json
import platform
import resource
import sys
import threading
import time

# ---- 1: the bodies, as a good programmer of your runtime would write them ---------------------------------------------


async def flat(cell, region):
    """spawn/flat: create a batch of tasks, await them, until there have been `ops`."""
    batch, done, checksum = cell["params"]["batch"], 0, 0

    async def task(number):
        return 2 * number + 1

    region.begin()
    while done < cell["ops"]:
        checksum += sum(await asyncio.gather(*[asyncio.create_task(task(done + i)) for i in range(batch)]))
        done += batch
    region.end()
    return {"ops": done, "units": done, "max_live": batch, "checksum": checksum}


async def echo(cell, region):
    """net/echo: a server that sends back what it reads, until it is told to stop."""
    total = {"in": 0, "out": 0, "connections": 0}
    served = []

    async def serve(reader, writer):
        served.append(asyncio.current_task())
        total["connections"] += 1
        while data := await reader.read(65536):
            total["in"] += len(data)
            writer.write(data)
            await writer.drain()
            total["out"] += len(data)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=4096)
    load = {key: cell["params"][key] for key in ("connections", "message_bytes")}
    if cell["params"]["rate"]:
        load["rate"] = cell["params"]["rate"]
    await region.serve({"port": server.sockets[0].getsockname()[1], **load})
    server.close()
    await asyncio.gather(*served)
    return {"ops": total["in"] // cell["params"]["message_bytes"], "units": total["connections"], "bytes_read": total["in"],
            "bytes_written": total["out"], "checksum": 0}


# ---- 2: what is offered, and who this is --------------------------------------------------------------------------------


def number(name, default, least, most, smoke):
    return {"name": name, "kind": "int", "default": default, "min": least, "max": most, "smoke": smoke}


WORKLOADS = {
    "spawn/flat": (flat, {"version": 1, "scaling": "linear", "metric": "wall_per_op", "smoke_ops": 1000, "ops_quantum": 1,
                          "quantum_param": "batch", "params": [number("batch", 1000, 1, 1000000, 8)]}),
    "net/echo": (echo, {"version": 1, "scaling": "server", "metric": "cpu_per_op",
                        "params": [number("connections", 64, 1, 10000, 4), number("message_bytes", 64, 1, 65536, 64),
                                   number("rate", 0, 0, 10000000, 0), number("load_percent", 0, 0, 1000, 0)]}),
}
YEARS = {"3.8": 2019, "3.9": 2020, "3.10": 2021, "3.11": 2022, "3.12": 2023, "3.13": 2024, "3.14": 2025}

DESCRIBE = {
    "protocol": 1, "id": "asyncio", "model": "asyncio", "language": "Python", "version": platform.python_version(),
    "year": YEARS.get(".".join(platform.python_version_tuple()[:2])),  # null where this program does not know it
    "build": {"cc": platform.python_implementation(), "cflags": "", "type": "release"},
    "capabilities": {"calibrate": True, "certify": False, "workers": False, "stats": False},
    "knobs": [],
    "lacks": {"sync/mutex": "one thread: a lock cannot contend", "disk/*": "asyncio has no files"},
    "workloads": [{"name": name, **told} for name, (_, told) in WORKLOADS.items()],
}

# ---- the rest need not be changed: the talk -------------------------------------------------------------------------------


def say(**message):
    sys.stdout.write(json.dumps(message, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def fail(why):
    say(msg="error", why=why)
    sys.exit(1)


def hear():
    line = sys.stdin.readline()
    if not line:
        sys.exit(1)  # the harness is gone
    try:
        return json.loads(line)
    except ValueError:
        fail("this is no message")


def expect(cmd):
    if hear().get("cmd") != cmd:
        fail(f"{cmd} was expected")


def usage():
    u = resource.getrusage(resource.RUSAGE_SELF)
    return {"user_ns": int(u.ru_utime * 1e9), "sys_ns": int(u.ru_stime * 1e9), "vcsw": u.ru_nvcsw, "ivcsw": u.ru_nivcsw,
            "minflt": u.ru_minflt, "majflt": u.ru_majflt}


# All fields of a certificate are told; those that mean nothing for a workload are 0.
NOTHING = dict.fromkeys(("ops", "units", "max_live", "messages", "bytes_read", "bytes_written", "locks"), 0)


class Region:
    """What is timed. A silent one is of a warm-up or a calibration, of which no word is said."""

    def __init__(self, silent):
        self.silent, self.wall_ns = silent, 0

    def start(self):
        self.before, self.begun = usage(), time.monotonic_ns()

    def stop(self):
        self.wall_ns, now = time.monotonic_ns() - self.begun, usage()
        return {"wall_ns": self.wall_ns, "rusage": {key: now[key] - self.before[key] for key in now}}

    def begin(self):
        if not self.silent:
            say(msg="begin")
            expect("ack")
        self.start()

    def end(self):
        told = self.stop()
        if not self.silent:
            say(msg="end", **told)
            expect("ack")

    def relay(self):
        """Answers the load generator's begin and end, as the harness passes them on, until it says stop."""
        while (cmd := hear().get("cmd")) != "stop":
            if cmd == "begin":
                self.start()
                say(msg="begin")
            elif cmd == "end":
                say(msg="end", **self.stop())

    async def serve(self, listen):
        say(msg="ready", threads=threading.active_count(), listen=listen)
        await asyncio.get_running_loop().run_in_executor(None, self.relay)


def checked(cell):
    """The cell with its defaults filled in, or an error: what is there must be right."""
    if not isinstance(cell, dict) or cell.get("workload") not in WORKLOADS:
        fail("there is no such workload")
    told = WORKLOADS[cell["workload"]][1]
    if cell.get("version") != told["version"]:
        fail(f"{cell['workload']} is offered in version {told['version']} only")
    given = cell.get("params", {})
    params = {p["name"]: given.get(p["name"], p["default"]) for p in told["params"]}
    if set(given) - set(params):
        fail(f"{cell['workload']} has no parameter {sorted(set(given) - set(params))[0]}")
    for p in told["params"]:
        if type(params[p["name"]]) is not int or not p["min"] <= params[p["name"]] <= p["max"]:
            fail(f"parameter {p['name']} is a whole number between {p['min']} and {p['max']}")
    return {**cell, "params": params}


def rounded(cell, ops):
    quantum = cell["params"].get(WORKLOADS[cell["workload"]][1].get("quantum_param"), 1)
    return max(ops - ops % quantum, quantum)


def calibrate(body, cell, target_ns):
    region, ops = Region(True), rounded(cell, 64)
    while True:
        asyncio.run(body({**cell, "ops": ops}, region))
        if region.wall_ns * 4 >= target_ns:
            break
        ops = rounded(cell, ops * 4)
    say(msg="sample", calibration={"ops": ops, "region_ns": region.wall_ns})


def run():
    message = hear()
    if message.get("cmd") != "run":
        fail("a run was expected")
    began = time.monotonic_ns()
    cell = checked(message.get("cell"))
    body, told = WORKLOADS[cell["workload"]]
    if message.get("kind") == "calibrate":
        if told["scaling"] != "linear":
            fail(f"{cell['workload']} cannot be calibrated")
        return calibrate(body, cell, message["target_ns"])
    setup_ns = time.monotonic_ns() - began
    if told["scaling"] == "linear":
        cell["ops"] = rounded(cell, cell["ops"])
        if cell.get("warmup"):
            asyncio.run(body({**cell, "ops": rounded(cell, cell["ops"] // 10)}, Region(True)))
        say(msg="ready", threads=threading.active_count())
        expect("go")
    cert = asyncio.run(body(cell, Region(False)))
    say(msg="sample", cert={**NOTHING, **cert, "checksum": f"{cert['checksum'] % 2**64:016x}"}, setup_ns=setup_ns,
        threads=threading.active_count(), knobs={}, stack={"bytes": None, "why": "coroutines have no stacks of their own"},
        runtime={}, notes={})


if sys.argv[1:] == ["--describe"]:
    say(**DESCRIBE)
elif sys.argv[1:] == ["--run"]:
    run()
else:
    print(f"usage: {sys.argv[0]} --describe | --run", file=sys.stderr)
    sys.exit(2)
