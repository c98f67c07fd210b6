"""gr.py - goroutines in gdb: (gdb) source models/gmp/gdb/gr.py

    info goroutines            one line per goroutine: id, state, what it waits for and for how long, label, name, function
    info goroutines TEXT       only those with TEXT in their line
    goroutine N bt             the back-trace of goroutine N; also `bt full`, `bt 5`
    goroutine N COMMAND        any command there: `info locals`, `frame function main_loop`, `x/8gx $sp`
    goroutine all COMMAND      in each of them
    p *$goroutine(N)           its descriptor

They work in a live process and on a core file, and change neither: no register is written and nothing is called.

A goroutine that is switched off is shown by an unwinder that takes the place of the innermost frame of the selected
thread and gives the registers of the saved context (src/arch/ctx.h and ctx_arm64.S draw it) as those of its caller.
So its own frames begin with number 1, and registers that a switch does not save read as <not saved>. Setting the
thread's registers instead, as scripts for other runtimes do, needs a live process and damages it if gdb is interrupted.
Those of one that was preempted begin with the signal handler's; below <signal handler called> all registers are known.

Goroutines are found as gr__stacks_each() finds them: slab by slab, slot by slot. Those that have been created and have
not begun have no stack yet and no id; they come last, as `new`, from the nurseries. Where the descriptor lies in its slot
is not repeated here; it is known by its own fields (stack_lo, slab). A descriptor that reads as FREE is not shown. All
else is taken from the debug information, so this file changes only with the layout of a saved context and the names of
the fields in use. While a process runs on (a core file does not) the picture is only as good as the stop: a goroutine
that is being switched just then may be shown without a context.

gdb's own gcore cannot read guards that are in the page tables (Linux 6.13 and later) and leaves out the stacks behind
them; core files that the kernel writes are complete. GRDEBUG=guard=1 makes guards that gcore can deal with.
"""
import re
import struct

import gdb
import gdb.unwinder

FREE, RUNNABLE, RUNNING, WAITING, SYSCALL = range(5)
STATES = ["free", "runnable", "running", "waiting", "syscall"]


class Arch:
    """Where a saved context has what: offsets from g->sp, and the names that gdb has for the registers."""

    def __init__(self, pc, sp, frame_bytes, pc_at, others):
        self.pc, self.sp, self.frame_bytes, self.pc_at, self.others = pc, sp, frame_bytes, pc_at, others


ARCHS = {
    "i386:x86-64": Arch("rip", "rsp", 152, 8, {"rbp": 16}),
    "aarch64": Arch("pc", "sp", 176, 8, dict([("x29", 0)] + [("x%d" % r, 16 + 8 * (r - 19)) for r in range(19, 29)])),
}


def arch():
    name = gdb.selected_inferior().architecture().name()
    if name not in ARCHS:
        raise gdb.GdbError("goroutines: the saved context of %s is not known" % name)
    return ARCHS[name]


def word(addr):
    return struct.unpack("<Q", gdb.selected_inferior().read_memory(addr, 8).tobytes())[0]


def field_offset(type_name, field):
    for f in gdb.lookup_type(type_name).fields():
        if f.name == field:
            return f.bitpos // 8
    raise gdb.GdbError("goroutines: %s has no field %s: this is not the runtime that gr.py knows" % (type_name, field))


def static(name, has_field=None):
    """The file-scope variable of that name, of several the one with that field. None: there is none."""
    for symbol in gdb.lookup_static_symbols(name):
        if has_field is None or any(f.name == has_field for f in symbol.type.strip_typedefs().fields()):
            return symbol.value()
    return None


CACHE = {}  # of one command: there may be a million goroutines


def cached(key, make):
    if key not in CACHE:
        CACHE[key] = make()
    return CACHE[key]


def enum_text(table, prefix, enum, value):
    """A name from a table of strings of the runtime, or else from the enumeration itself."""
    texts = static(table)
    if texts is not None and value <= texts.type.range()[1]:
        return texts[value].string()
    for f in gdb.lookup_type(enum).fields():
        if f.enumval == value:
            return f.name[len(prefix):].lower().replace("_", " ")
    return str(value)


def function_at(at):
    block = gdb.block_for_pc(at)
    if block and block.function:
        return block.function.print_name
    return gdb.execute("info symbol %d" % at, to_string=True).split(" ")[0] if at else "?"


def text_at(at):
    try:
        return gdb.Value(at).cast(gdb.lookup_type("char").pointer()).string() if at else ""
    except (gdb.error, UnicodeDecodeError):
        return "?"


class Goroutine:
    def __init__(self, addr):
        self.addr = addr
        self.g = gdb.Value(addr).cast(gdb.lookup_type("struct gr_g").pointer()).dereference()
        self.id = int(self.g["id"])
        self.state = int(self.g["state"])
        self.stack_lo, self.stack_hi = int(self.g["stack_lo"]), int(self.g["stack_hi"])

    def name(self):
        return text_at(int(self.g["name"]))

    def label(self):
        return text_at(int(self.g["label"]))

    def function(self):
        at = int(self.g["fn"])
        return cached(("fn", at), lambda: function_at(at))

    def what(self):
        if self.state == WAITING:
            wait = int(self.g["wait"])
            text = cached(("wait", wait), lambda: enum_text("wait_names", "GR__WAIT_", "enum gr__wait", wait))
        else:
            text = cached(("state", self.state),
                          lambda: enum_text("state_names", "GR__G_", "enum gr__gstate", self.state))
        if self.state in (WAITING, SYSCALL):
            now = cached("now", lambda: int(gdb.parse_and_eval("gr__sched.coarse_now_ns")))
            ms = (now - int(self.g["since_ns"])) // 1000000
            if ms > 0:
                text += ", %d ms" % ms
        return text

    def has_stack(self, addr):
        if self.stack_lo <= addr < self.stack_hi:
            return True
        seg = self.g["seg"]  # what its stack has grown by
        while int(seg):
            if int(seg["stack_lo"]) <= addr < int(seg["stack_hi"]):
                return True
            seg = seg["link"]
        return False


def goroutines(wanted=None):
    """All that have a stack, or the one with that id; by id."""
    central = static("central", "pools")
    if central is None:
        raise gdb.GdbError("goroutines: the runtime's stacks are not in this program, or it has no debug information")
    found = []
    for i in range(int(central["n_pools"])):
        found += goroutines_of(central["pools"][i], wanted)
    found += goroutines_of(central["small"], wanted)
    return sorted(found, key=lambda g: g.id)


def goroutines_of(pool, wanted):
    stride = int(pool["stride"])
    lo_at, slab_at = field_offset("struct gr_g", "stack_lo"), field_offset("struct gr_g", "slab")
    state_at, id_at = field_offset("struct gr_g", "state"), field_offset("struct gr_g", "id")
    size = gdb.lookup_type("struct gr_g").sizeof
    inferior = gdb.selected_inferior()
    tail = min(stride // 2, 4096)  # the descriptor is at the top of its slot
    found = []
    for i in range(int(pool["n_slabs"])):
        slab = pool["slabs"][i]
        base = int(slab["base"])
        for slot in range(int(slab.dereference()["used"])):
            lo = base + slot * stride
            start = lo + stride - tail
            try:
                memory = inferior.read_memory(start, tail).tobytes()
            except gdb.MemoryError:
                continue
            at = memory.rfind(struct.pack("<Q", lo))
            while at >= 0:
                g = at - lo_at
                if g >= 0 and g + size <= tail and struct.unpack_from("<Q", memory, g + slab_at)[0] == int(slab):
                    if struct.unpack_from("<I", memory, g + state_at)[0] != FREE and (
                            wanted is None or struct.unpack_from("<Q", memory, g + id_at)[0] == wanted):
                        found.append(Goroutine(start + g))
                    break
                at = memory.rfind(struct.pack("<Q", lo), 0, at)
    return found


def births():
    """Those that have been created and have not begun, as (name, function): they have neither a stack nor an id."""
    sched = gdb.parse_and_eval("gr__sched")
    slots = int(gdb.parse_and_eval("(int)GR__NURSERY_SLOTS"))
    entries = []
    for i in range(int(sched["nprocs"])):
        p = sched["ps"][i].dereference()
        nursery = int(p["nursery"])
        head, tail = nursery & 1023, nursery >> 10 & 1023
        entries += [p["births"][(head + k) % slots] for k in range((tail - head) & 1023)]
    head = sched["spill"]
    link, link_at = head["next"], field_offset("struct gr__chunk", "link") if int(sched["spill_n"]) else 0
    while int(sched["spill_n"]) and int(link) != int(head.address):
        chunk = gdb.Value(int(link) - link_at).cast(gdb.lookup_type("struct gr__chunk").pointer()).dereference()
        entries += [chunk["births"][k] for k in range(int(chunk["lo"]), int(chunk["hi"]))]
        link = link.dereference()["next"]
    for b in entries:
        if int(b["fn"]):  # else it is a goroutine with a stack of its own already
            yield text_at(int(b["name"])), function_at(int(b["fn"]) & (2**63 - 1))  # GR__FN_SMALL


def goroutine(text):
    try:
        wanted = int(gdb.parse_and_eval(text))
    except (gdb.error, ValueError):
        raise gdb.GdbError("goroutines: %s is no number" % text)
    for g in goroutines(wanted):
        return g
    raise gdb.GdbError("goroutines: there is no goroutine %d" % wanted)


# ---- who is on which thread -----------------------------------------------------------------------------------


class Selection:
    """What is selected in gdb, to be put back."""

    def __enter__(self):
        self.thread = gdb.selected_thread()
        try:
            self.frame = gdb.selected_frame() if self.thread else None
        except gdb.error:
            self.frame = None
        return self

    def __exit__(self, *unused):
        if self.thread and self.thread.is_valid():
            self.thread.switch()
            if self.frame and self.frame.is_valid():
                self.frame.select()


class Threads:
    """The stack pointers of all threads: a goroutine is on the thread that has a frame on its stack."""

    def __init__(self):
        self.sps = []  # (thread, [stack pointers, innermost first])
        with Selection():
            for thread in gdb.selected_inferior().threads():
                try:
                    thread.switch()
                    self.sps.append((thread, self.walk(arch().sp)))
                except gdb.error:
                    continue  # it has just ended, or cannot be unwound

    @staticmethod
    def walk(sp):
        """Signal handlers run on a stack of their own, so not only the innermost frame counts."""
        frame, sps = gdb.newest_frame(), []
        while frame is not None and len(sps) < 64:
            sps.append(int(frame.read_register(sp)) & (2**64 - 1))
            try:
                frame = frame.older()
            except gdb.error:
                break
        return sps

    def of(self, g):
        for thread, sps in self.sps:
            if any(g.has_stack(sp) for sp in sps):
                return thread
        return None


def machines():
    """All Ms, as values of struct gr_m."""
    head = gdb.parse_and_eval("gr__sched.all_ms")
    link_at, m_type = field_offset("struct gr_m", "all_link"), gdb.lookup_type("struct gr_m").pointer()
    link, seen = head["next"], set()
    while int(link) and int(link) != int(head.address) and int(link) not in seen:
        seen.add(int(link))
        yield gdb.Value(int(link) - link_at).cast(m_type).dereference()
        link = link.dereference()["next"]


def machine_of(g):
    for m in machines():
        if int(m["curg"]) == g.addr:
            return m
    return None


# ---- showing a stack that is switched off -----------------------------------------------------------------------


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class ParkedUnwinder(gdb.unwinder.Unwinder):
    """While a context is set, the innermost frame of the thread that was selected then has that as its caller."""

    def __init__(self):
        super().__init__("goroutine")
        self.context = None
        self.anchor = None

    def __call__(self, pending):
        if self.context is None:
            return None
        a = arch()
        here = (int(pending.read_register(a.sp)), int(pending.read_register(a.pc)))
        if here != self.anchor:
            return None
        # An identity that is further in than the goroutine's frames, or gdb takes them for a corrupt stack.
        address = gdb.lookup_type("void").pointer()
        info = pending.create_unwind_info(FrameId(gdb.Value(self.context[a.sp] - a.frame_bytes).cast(address),
                                                  gdb.Value(here[1]).cast(address)))
        for name, value in self.context.items():
            info.add_saved_register(name, gdb.Value(value).cast(pending.read_register(name).type))
        return info

    def show(self, context):
        """A goroutine's registers from now on; None: the thread's own again. The thread must be selected already."""
        self.context = None
        gdb.invalidate_cached_frames()
        if context is not None:
            a, frame = arch(), gdb.newest_frame()
            self.anchor = (int(frame.read_register(a.sp)), int(frame.read_register(a.pc)))
            self.context = context
            gdb.invalidate_cached_frames()


PARKED = ParkedUnwinder()
gdb.unwinder.register_unwinder(None, PARKED, replace=True)


def saved_context(g, sp):
    """The registers that a switch has saved at sp; None: there is no context."""
    a = arch()
    # One that was preempted has left within a signal handler, and its context lies on an alternate stack.
    preempted = g.state == RUNNABLE and not g.has_stack(sp)
    if not preempted and not (g.has_stack(sp) and g.has_stack(sp + a.frame_bytes - 1)):
        return None
    context = {name: word(sp + at) for name, at in a.others.items()}
    context[a.sp] = sp + a.frame_bytes
    context[a.pc] = word(sp + a.pc_at)
    if context[a.pc] == int(gdb.parse_and_eval("(unsigned long)&gr__ctx_entry")):
        context[a.pc] += 1  # not run yet: gdb takes the address before a caller's, and that is another function's
    return context


def call_context(at):
    """The same of one that has called something on the scheduler's stack: gr__ctx_call."""
    a = arch()
    return {"rbp" if "rbp" in a.others else "x29": word(at), a.pc: word(at + 8), a.sp: at + 16}


def run_in(g, command, threads):
    """gdb's output of the command in the goroutine's innermost frame."""
    with Selection():
        thread = threads.of(g)
        if thread is not None:
            thread.switch()
            return gdb.execute(command, to_string=True)
        m = machine_of(g)
        # On the scheduler's stack for a call that needs much of it, or switched off.
        if m is not None and m["on_g0"]:
            context = call_context(int(m["call_sp"]))
        else:
            context = saved_context(g, int(g.g["sp"]))
        if context is None:
            return "(no saved context: it is being switched)\n"
        try:
            PARKED.show(context)
            if re.match(r"(bt|backtrace|where|ba\w*)\b", command):
                text = gdb.execute(command, to_string=True)
                # The first frame is the thread's.
                start = re.search(r"^#1 ", text, re.MULTILINE)
                return text[start.start():] if start else "(no frames)\n"
            gdb.newest_frame().older().select()
            return gdb.execute(command, to_string=True)
        finally:
            PARKED.show(None)


# ---- commands --------------------------------------------------------------------------------------------------


def line(g, threads):
    thread = threads.of(g)
    name = g.name()
    label = g.label()
    return "%s%6d  [%s]%s  %s%s%s" % ("*" if thread and thread == gdb.selected_thread() else " ", g.id, g.what(),
                                      " {%s}" % label if label else "", "%s: " % name if name else "", g.function(),
                                      "  (thread %d)" % thread.num if thread else "")


class InfoGoroutines(gdb.Command):
    """All goroutines: id, state or what it waits for and for how long, name, entry function.
Usage: info goroutines [TEXT]
With TEXT only those that have it in their line. `*` marks the one that the selected thread runs."""

    def __init__(self):
        super().__init__("info goroutines", gdb.COMMAND_STACK, gdb.COMPLETE_NONE)

    def invoke(self, text, from_tty):
        begin()
        threads, n = Threads(), 0
        for g in goroutines():
            one = line(g, threads)
            if not text or text in one:
                gdb.write(one + "\n")
                n += 1
        for name, function in births():
            one = "    new  [runnable, not begun]  %s%s" % ("%s: " % name if name else "", function)
            if not text or text in one:
                gdb.write(one + "\n")
                n += 1
        if not n:
            gdb.write("No goroutines.\n")


class GoroutineCommand(gdb.Command):
    """Run a command in the innermost frame of a goroutine.
Usage: goroutine N|all COMMAND
COMMAND is `bt` if it is left out. The frames of one that is switched off begin with number 1."""

    def __init__(self):
        super().__init__("goroutine", gdb.COMMAND_STACK, gdb.COMPLETE_COMMAND)

    def invoke(self, text, from_tty):
        begin()
        which, _, command = text.strip().partition(" ")
        if not which:
            raise gdb.GdbError("Usage: goroutine N|all COMMAND")
        command = command.strip() or "bt"
        chosen = goroutines() if which == "all" else [goroutine(which)]
        threads = Threads()
        for g in chosen:
            if which == "all":
                gdb.write("\n" + line(g, threads) + "\n")
            gdb.write(run_in(g, command, threads))


class GoroutineFunction(gdb.Function):
    """The descriptor (struct gr_g *) of a goroutine by its id."""

    def __init__(self):
        super().__init__("goroutine")

    def invoke(self, number):
        return goroutine(str(int(number))).g.address


def begin():
    CACHE.clear()
    if gdb.selected_thread() is None:
        raise gdb.GdbError("goroutines: there is no process and no core file")


InfoGoroutines()
GoroutineCommand()
GoroutineFunction()
