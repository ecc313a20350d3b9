# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The libaioxx authors
"""aioxx-outstanding QUEUE: what a queue of libaioxx has outstanding, and where it is.

QUEUE is an expression for an aioxx::Queue, or for a pointer to one. The memory of the stopped process,
or of its core file, is read; none of its code is run. It takes the library's debug information.
"""

import time

import gdb

# As place_of() in src/queue/outstanding.cpp.
PLACES = {
    "ordered": "order",
    "backlog": "backlog",
    "to_call": "next pass",
    "to_submit": "next pass",
    "to_probe": "next pass",
    "kernel": "kernel",
    "to_run": "worker",
    "worker": "worker",
    "to_watch": "readiness",
    "watched": "readiness",
    "completed": "completed",
}
WAITS = ("capacity", "quarantine", "condition", "buffer")
OWN_PLACES = {"sleep": "timer", **{kind: "queue" for kind in WAITS}}
KINDS = {kind: f"wait for {kind}" for kind in WAITS}
TRANSFERS = ("read", "write", "readv", "writev")

# As in src/queue/record.hpp.
MARK_OWN = 1
MARK_GIVEN_UP = 8
MARK_TOLD = 16
MARK_ENDED = 32
MARK_TELLING = 128


def word(value):
    """The last part of an enumerator's name."""
    return str(value).rsplit("::", 1)[-1]


def first_field(value):
    """What a std::chrono::duration or a std::atomic holds, whatever the member is called."""
    while value.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
        value = value[value.type.strip_typedefs().fields()[0]]
    return int(value)


def place_of(record, kind):
    """None: its user has been told, or it is the queue's own."""
    state = word(record["state_"])
    marks = int(record["marks"])
    if marks & MARK_OWN:
        return None
    if marks & MARK_GIVEN_UP:
        if not marks & MARK_ENDED:
            return "quarantine"
        return None if marks & (MARK_TOLD | MARK_TELLING) else "completed"
    if state == "idle":
        return None
    if kind in OWN_PLACES and state != "completed":
        return OWN_PLACES[kind]
    return PLACES.get(state, state)


def is_live():
    connection = getattr(gdb.selected_inferior(), "connection", None)
    return connection is not None and connection.type == "native"


class Outstanding(gdb.Command):
    __doc__ = __doc__

    def __init__(self):
        super().__init__("aioxx-outstanding", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError("aioxx-outstanding QUEUE: an aioxx::Queue, or a pointer to one")
        queue = self.implementation(gdb.parse_and_eval(argument))
        if queue is None:
            print("no queue: it could not be made")
            return
        lines = []
        for record in self.records(queue["pool"]):
            line = self.line(record, queue)
            if line is not None:
                lines.append(line)
        until = "now" if is_live() else "the queue's last pass"
        print(f"{len(lines)} outstanding or in quarantine, aged until {until}")
        form = "{:<20}{:>11}{:>16}{:>12}{:>12}{:>14}  {}"
        if lines:
            print(form.format("kind", "descriptor", "offset", "bytes", "done", "age", "place"))
        for line in lines:
            print(form.format(*line))

    @staticmethod
    def implementation(value):
        """The inside of a Queue, or None."""
        kind = value.type.strip_typedefs()
        while kind.code in (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
            value = value.referenced_value()
            kind = value.type.strip_typedefs()
        name = kind.unqualified().name or str(kind)
        if not (name.startswith("aioxx::") and name.endswith("::Queue")):
            raise gdb.GdbError(f"{name} is no aioxx::Queue")
        inside = value["implementation_"]
        if int(inside) == 0:
            return None
        try:
            inner = gdb.lookup_type(name + "::Implementation")
            if not inner.fields():
                raise gdb.error
        except gdb.error:
            raise gdb.GdbError("there is no debug information of libaioxx") from None
        Outstanding.namespace = name[: -len("::Queue")]
        return inside.cast(inner.pointer()).dereference()

    @staticmethod
    def records(pool):
        record = gdb.lookup_type(Outstanding.namespace + "::queue::Record").pointer()
        left = first_field(pool["made_"])  # more than there are means that the memory is broken
        for ring in ("used_", "passed_"):
            ends = pool[ring]["ends_"]
            link = ends["next"]
            while link != ends.address:
                if left == 0:
                    raise gdb.GdbError("the list of operations is broken")
                left -= 1
                yield link.cast(record).dereference()
                link = link["next"]

    @staticmethod
    def line(record, queue):
        request = record["request"]
        kind = word(request["kind"])
        place = place_of(record, kind)
        if place is None:
            return None
        descriptor = offset = size = done = "-"
        if int(record["newest"]) != 0:
            file = gdb.lookup_type(Outstanding.namespace + "::engine::OpenFile").pointer()
            descriptor = int(record["file"].cast(file)["fd"])
        if kind in TRANSFERS:
            offset = int(request["offset"])
            size = int(record["vector_bytes"] if kind.endswith("v") else request["length"])
            done = int(record["done"])
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) if is_live() else first_field(queue["pass_time"])
        age = max(0, now - first_field(record["started_at"]))
        return KINDS.get(kind, kind), descriptor, offset, size, done, f"{age / 1e9:.3f} s", place


Outstanding()
