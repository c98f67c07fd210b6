#!/usr/bin/env python3
"""What the runtime uses of a G's stack, by the compiler's own account (-fcallgraph-info=su): for test_grow_bound.sh.

Usage: grow_bound.py LIMIT SWITCH FITS DIRECTORY...
For each function that an object of FITS (stems, by commas) defines for others, and that gr.h declares or the assembly calls
(read from standard input, one a line), prints "bytes name" and the deepest way; exits 1 if one is above LIMIT, cannot be
bounded, or a rule below is out of date. SWITCH: what switching away lays on the stack beside frames.
"""
import glob
import re
import sys

# Calls that leave this stack, or end the process on another one: their own frame counts, not what is behind.
LEAVES = {"gr__on_g0", "gr__now_ns", "gr__alloc", "gr__free", "gr__fatal", "gr__throw"}
# In assembly. gr__ctx_call: what it lays on the stack that it leaves.
ASSEMBLY = {"gr__ctx_make": 8, "gr__ctx_call": 16}
# Only ever called on the scheduler's stack.
ON_G0 = {"gr__finish_preempt", "gr__finish_syscall", "gr__runq_get"}
# Of the libc, called with the program's functions looked up before it begins: bytes, generously. System calls are a few
# instructions; clock_gettime goes through the kernel's page, whose frames are small.
LIBC = {name: 64 for name in """memcpy strlen poll memmove memset memcmp syscall madvise mprotect mmap munmap read write recv send
    recvfrom sendto recvmsg sendmsg accept4 shutdown close epoll_ctl epoll_wait epoll_pwait2 getsockopt setsockopt getppid pthread_self
    clock_nanosleep sched_yield __sched_getcpu sched_getcpu __errno_location open open64 fsync fstat64 fcntl fcntl64
    sigaltstack tgkill io_uring_submit getcpu preadv2 preadv64v2 pread64 pwrite64 lseek64 lseek pread pwrite fstat connect""".split()}
LIBC["clock_gettime"] = 160
# What a call through a pointer may reach. The commits of parks run on the stack of who comes next.
COMMITS = "*commit"
INDIRECT = {
    "g_main": ["USER"],
    "run_main": ["USER"],
    "do_slowly": ["USER"],
    "gr_foreign": ["USER"],
    "go_with": ["gr_go_named", "gr_go_named_grow"],
    "gr__timers_run": ["G0"],
}


def load(paths):
    sizes, calls, files = {}, {}, {}
    for path in paths:
        stem = path.rsplit("/", 1)[-1].split(".")[0]
        for line in open(path):
            m = re.match(r'node: \{ title: "([^"]*)" label: "([^"]*)"', line)
            if m and " bytes (" in m.group(2):
                sizes[m.group(1)] = (int(re.search(r"(\d+) bytes", m.group(2)).group(1)), m.group(2).endswith("dynamic)"))
                files[m.group(1)] = stem
                calls.setdefault(m.group(1), set())
            m = re.match(r'edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"', line)
            if m:
                calls.setdefault(m.group(1), set()).add(m.group(2))
    return sizes, calls, files


def short(title):
    return re.sub(r"\.(part|constprop|isra|cold|localalias)\.?\d*", "", title.rsplit(":", 1)[-1])


def main():
    limit, switch, fits = int(sys.argv[1]), int(sys.argv[2]), set(sys.argv[3].split(","))
    paths = [p for d in sys.argv[4:] for p in sorted(glob.glob(d + "/*.ci"))]
    sizes, calls, files = load(paths)
    commits = [t for t in sizes if short(t).endswith("commit") or short(t) in ("commit",)]
    known, failed = {}, False

    def depth(f, path):
        if f in known:
            return known[f]
        name = short(f)
        if f in path:
            return (10 ** 6, [name + " (recursion)"])
        if name in ON_G0:
            return (0, [])
        if f not in sizes:
            if name in ASSEMBLY:
                return (ASSEMBLY[name], [name])
            if name in LIBC:
                return (8 + LIBC[name], [name])
            return (10 ** 6, [name + " (no bound)"])
        own, dynamic = sizes[f]
        if dynamic:
            return (10 ** 6, [name + " (dynamic)"])
        if name in LEAVES:
            behind = 0 if name == "gr__on_g0" else sizes["gr__on_g0"][0]
            return (own + behind + ASSEMBLY["gr__ctx_call"], [name])
        best, way = 0, []
        for t in calls[f]:
            if t == "__indirect_call":
                targets = INDIRECT.get(name)
                if targets is None:
                    best, way = max((best, way), (switch, ["(switch)"]))  # leaving: then, on the way back
                    targets = commits
            else:
                targets = [t]
            for u in targets:
                if u in ("USER", "G0"):
                    continue
                if u == f:
                    continue
                d = depth(u, path + [f])
                if d[0] > best:
                    best, way = d
        result = (own + best, ["%s %d" % (name, own)] + way)
        known[f] = result
        return result

    for name in sorted(set(sys.stdin.read().split())):
        if name not in sizes or (fits != {"all"} and files[name] not in fits):
            continue
        bytes_, way = depth(name, [])
        over = bytes_ > limit
        failed |= over
        print("%s%7d %s (%s): %s" % ("OVER " if over else "     ", bytes_, name, files[name], " > ".join(way)))
    sys.exit(1 if failed else 0)


main()
