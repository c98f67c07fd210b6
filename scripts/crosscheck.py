"""What the scripts compare_* share: pairs of measurements, intervals of their ratios, and the record.

Two programs measure the same thing in turn, many times; which of them goes first changes with each pair. What is told is the
median of the pairs' ratios, and the interval that inverts the sign test: whatever the distribution, the true median lies
between the k-th smallest and the k-th largest ratio with a known probability, which is told as well.
"""
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SCHEMA = "switchyard.crosscheck/1"
LEVEL = 0.95


def coverage(n, k):
    """The probability that the median lies between the k-th smallest and the k-th largest of n."""
    return 1 - 2 * sum(math.comb(n, i) for i in range(k)) / 2**n


def interval(ratios):
    """(low, high, level) of the narrowest such interval of LEVEL at least; None where so few ratios have none."""
    n, ordered = len(ratios), sorted(ratios)
    ranks = [k for k in range(1, n // 2 + 1) if coverage(n, k) >= LEVEL]
    if not ranks:
        return None
    k = max(ranks)
    return ordered[k - 1], ordered[n - k], coverage(n, k)


def alternate(turns, first, second):
    """Pairs of what the two functions give. A pair of which one has failed (None) is left out."""
    pairs = []
    for turn in range(turns):
        if turn % 2:
            b = second()
            a = first()
        else:
            a = first()
            b = second()
        if a is not None and b is not None:
            pairs.append((a, b))
    return pairs


def compared(what, unit, pairs, turns, **more):
    """A row: the ratios first / second of pairs of numbers."""
    pairs = [(a, b) for a, b in pairs if a and b]
    ratios = [a / b for a, b in pairs]
    found = interval(ratios)
    row = {"what": what, "unit": unit, "turns": turns, "pairs": [list(pair) for pair in pairs],
           "ratio": statistics.median(ratios) if ratios else None,
           "interval": list(found[:2]) if found else None, "level": found[2] if found else None}
    if not found:
        row["reason"] = f"{len(ratios)} pairs have no interval of {LEVEL:.0%}"
    return {**row, **more}


def differs(row, why):
    """The row, of work that is not quite equal: what the difference is. Nothing is claimed of its ratio."""
    return {**row, "equal_work": False, "difference": why}


AGREES = 0.15  # within which the two are said to agree on equal work


def agreement(row):
    """ "agrees" (the whole interval within 15 %), "differs" (outside), "open" (neither, or there is no interval)."""
    if not row["interval"]:
        return "open"
    low, high = row["interval"]
    least, most = 1 / (1 + AGREES), 1 + AGREES
    if least <= low and high <= most:
        return "agrees"
    return "differs" if high < least or low > most else "open"


def judged(row):
    """The row, of equal work: with whether the two agree."""
    return {**row, "equal_work": True, "agreement": agreement(row)}


VERDICTS = {"agrees": f"they agree within {AGREES:.0%}", "differs": f"they differ by more than {AGREES:.0%}",
            "open": f"not decided: whether they agree within {AGREES:.0%}"}


def tell(row):
    """The row as a line of text."""
    if row["ratio"] is None:
        return f"{row['what']}: nothing was measured"
    line = (f"{row['what']}: {statistics.median(p[0] for p in row['pairs']):.6g} and "
            f"{statistics.median(p[1] for p in row['pairs']):.6g} {row['unit']}, ratio {row['ratio']:.3f}")
    if row["interval"]:
        line += f" [{row['interval'][0]:.3f}, {row['interval'][1]:.3f}] at {row['level']:.1%}"
    else:
        line += f" ({row['reason']})"
    line = f"{line}, {len(row['pairs'])} of {row['turns']} pairs"
    if "agreement" in row:
        return f"{line}; {VERDICTS[row['agreement']]}"
    if not row.get("equal_work", True):
        return f"{line}\n    not equal work: {row['difference']}"
    return line


# ---- the record -----------------------------------------------------------------------------------------------


def output_of(*command):
    """The first line that a command prints, on either stream."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return ((done.stdout + done.stderr).strip().splitlines() or ["?"])[0].strip()


def cpu_model():
    with open("/proc/cpuinfo", encoding="ascii") as info:
        for line in info:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def described(subject):
    """What the subject says of its build."""
    done = subprocess.run([subject, "--describe"], capture_output=True, text=True, check=True)
    build = json.loads(done.stdout)["build"]
    return {key: build.get(key) for key in ("git_rev", "git_dirty", "cc", "cflags")}


def record(name, other, version, subject, settings, rows):
    return {"schema": SCHEMA, "name": name, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "command": [os.path.basename(sys.argv[0])] + sys.argv[1:], "settings": settings,
            "machine": {"cpu": cpu_model(), "cpus": os.cpu_count(), "kernel": platform.release(),
                        "load": os.getloadavg()[0]},
            "versions": {"switchyard": described(subject), other: version}, "rows": rows}


def write(folder, made, lines):
    """<name>.json and <name>.txt into a folder, which may be new."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, made["name"])
    with open(path + ".json", "w", encoding="utf-8") as out:
        json.dump(made, out, indent=1)
        out.write("\n")
    with open(path + ".txt", "w", encoding="utf-8") as out:
        machine = made["machine"]
        out.write(f"{' '.join(made['command'])}\n{made['time']}, {machine['cpu']}, {machine['cpus']} CPUs, Linux "
                  f"{machine['kernel']}\n{made['versions']}\n\n" + "\n".join(lines) + "\n")
    print(f"written: {path}.json, {path}.txt")


def build_folder():
    return os.environ.get("BUILD") or os.path.join(HERE, "..", "build", "release")


def setting(name, otherwise):
    """A number from the environment."""
    text = os.environ.get(name, "")
    try:
        return type(otherwise)(text) if text else otherwise
    except ValueError:
        fail(f"{name} is {text!r}, and must be a number", 2)


def fail(why, code=1):
    print(f"{os.path.basename(sys.argv[0])}: {why}", file=sys.stderr)
    sys.exit(code)


def arguments(usage):
    """The program's own arguments, and the folder of --out. Prints the usage where it is asked for."""
    args, out = [], None
    rest = iter(sys.argv[1:])
    for arg in rest:
        if arg in ("-h", "--help"):
            print(usage.strip())
            sys.exit(0)
        if arg == "--out":
            out = next(rest, None)
            if not out:
                fail("--out needs a folder", 2)
        elif arg.startswith("-"):
            fail(f"there is no option {arg}; --help says what there is", 2)
        else:
            args.append(arg)
    return args, out


def version_of(subject, workload):
    done = subprocess.run([subject, "--describe"], capture_output=True, text=True, check=True)
    return next(w["version"] for w in json.loads(done.stdout)["workloads"] if w["name"] == workload)


def run_cell(subject, cpus, workload, params, ops=0, **more):
    """One timed run of a cell, on these CPUs: nanoseconds of wall time and the operations that the certificate tells."""
    process = Process(cpus, subject, "--run")
    process.say(cmd="run", kind="timed", cell={"workload": workload, "version": version_of(subject, workload), "params": params,
                                               "workers": len(cpus.split(",")), "ops": ops, "warmup": True, **more})
    wall_ns = None
    while (message := process.hear())["msg"] != "sample":
        wall_ns = message.get("wall_ns", wall_ns)
        process.say(cmd="go" if message["msg"] == "ready" else "ack")
    process.end()
    if ops and message["cert"]["ops"] != ops:
        fail(f"{workload} did not do {ops} operations: {message['cert']}")
    return wall_ns, message["cert"]["ops"]


def ns_per_op(subject, cpus, workload, params, ops=0, **more):
    wall_ns, done = run_cell(subject, cpus, workload, params, ops, **more)
    return wall_ns / done


def need(*programs):
    """Ends with a sentence where one of them is missing."""
    for program in programs:
        if not shutil.which(program):
            fail(f"{program} is needed", 2)


class Process:
    """A process that speaks JSON lines, bound to CPUs."""

    def __init__(self, cpus, *command):
        self.process = subprocess.Popen(["taskset", "-c", cpus, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def say(self, **message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def hear(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            fail("a process ended without an answer")
        message = json.loads(line)
        if message.get("msg") in ("error", "unsupported", "too_slow"):
            fail(message.get("why", line))
        return message

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
