#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Looks at the virtqueues of a running QEMU and prints a trace of what is outstanding in them.

The process is stopped for a moment, many times (the monitor's own stop would wait until all disks are idle). What the
driver has made available and the device has not given back may not be touched by either, so that those chains are
whole, indirect tables included; everything older may have been reused. The rings are found by QMP
(x-query-virtio-queue-status, QEMU 7.2), guest memory is the file that the machine was started with. Meanwhile this
program is the other end of the guest's network.
"""
import argparse
import collections
import json
import mmap
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

NEXT, WRITE, INDIRECT = 1, 2, 4
MEBIBYTE = 1 << 20
HERE = os.path.dirname(os.path.abspath(__file__))
CONVERT = os.path.join(HERE, "..", "layouts", "mtree_to_layout.py")


class Refused(Exception):
    """A sample that does not make sense as a whole."""


class Monitor:
    """QMP over a Unix socket; events are skipped."""

    def __init__(self, path, seconds):
        self.socket = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.call("qmp_capabilities")

    def call(self, name, **arguments):
        json.dump({"execute": name, "arguments": arguments}, self.file)
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "error" in answer:
                sys.exit(f"{name}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]


class Memory:
    """Guest memory by guest-physical address, of the RAM that a layout says."""

    def __init__(self, path, layout):
        with open(path, "rb") as file:
            self.bytes = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        self.ranges = ram_of(layout)

    def read(self, gpa, size):
        for first, last, offset in self.ranges:
            if first <= gpa and gpa + size - 1 <= last:
                at = gpa - first + offset
                return self.bytes[at:at + size]
        raise Refused(f"{gpa:#x}, {size} bytes, is no RAM of the layout")

    def holds(self, gpa, size):
        """Every byte is RAM; a buffer may go from one range into the next."""
        while size > 0:
            room = [last - gpa + 1 for first, last, _ in self.ranges if first <= gpa <= last]
            if not room:
                return False
            gpa, size = gpa + room[0], size - room[0]
        return True


def ram_of(layout):
    found = []
    for line in layout.splitlines():
        words = line.split()
        if not line.startswith("#") and words[2:4] == ["ram", "pc.ram"]:
            found.append((int(words[0], 16), int(words[1], 16), int(words[4], 16)))
    return found


def check_layout(monitor, layout):
    """RAM above the first MiB lies where the layout says; below, firmware moves things about."""
    tree = monitor.call("human-monitor-command", **{"command-line": "info mtree -f -o"})
    now = subprocess.run([CONVERT, "-"], input=tree, capture_output=True, text=True, check=True).stdout
    if [r for r in ram_of(now) if r[0] >= MEBIBYTE] != [r for r in ram_of(layout) if r[0] >= MEBIBYTE]:
        sys.exit("this machine's RAM is not where the layout says")


class Queue:
    """One split virtqueue, and what is outstanding in it while the machine is stopped."""

    def __init__(self, monitor, memory, device, index):
        path = f"/machine/peripheral/{device}/virtio-backend"
        state = monitor.call("x-query-virtio-queue-status", path=path, queue=index)
        self.memory, self.name = memory, f"{device}, queue {index}"
        self.size = state["vring-num"]
        self.table, self.avail, self.used = (state["vring-" + part] for part in ("desc", "avail", "used"))

    def outstanding(self):
        """Heads, oldest first. Requests may complete out of order: what the last submissions have more of than the last
        completions, over the longest stretch in which every completion has its submission."""
        avail = struct.unpack("<HH", self.memory.read(self.avail, 4))[1]
        used = struct.unpack("<HH", self.memory.read(self.used, 4))[1]
        ring = struct.unpack(f"<{self.size}H", self.memory.read(self.avail + 4, 2 * self.size))
        back = struct.unpack(f"<{2 * self.size}I", self.memory.read(self.used + 4, 8 * self.size))[::2]
        count = (avail - used) % 65536
        for length in range(self.size, count - 1, -1):
            order = [ring[(avail - length + i) % self.size] for i in range(length)]
            left = collections.Counter(order)
            left.subtract(back[(used - 1 - i) % self.size] for i in range(length - count))
            if set(left.values()) <= {0, 1}:
                return [head for i, head in enumerate(order) if left[head] and head not in order[i + 1:]]
        raise Refused("some completed out of order")

    def descriptor(self, table, index):
        return struct.unpack("<QIHH", self.memory.read(table + 16 * index, 16))

    def chain(self, head, seen):
        """The lines of one chain; a descriptor that another chain has, too, is a mistake of ours."""
        lines, index = [], head
        while True:
            if index >= self.size or index in seen:
                raise Refused("a descriptor in two chains")
            seen.add(index)
            address, length, flags, following = self.descriptor(self.table, index)
            if flags & INDIRECT:
                return lines + [self.line(address, length, flags & ~WRITE, "")] + self.inner(address, length)
            lines.append(self.line(address, length, flags, ""))
            if not flags & NEXT:
                return lines
            index = following

    def inner(self, table, length):
        lines, index = [], 0
        for _ in range(length // 16):
            address, size, flags, index_after = self.descriptor(table, index)
            if flags & INDIRECT:
                raise Refused("a table in a table")
            lines.append(self.line(address, size, flags, " inner"))
            if not flags & NEXT:
                return lines
            index = index_after
            if index >= length // 16:
                raise Refused("an index past its table")
        raise Refused("a table without an end")

    def line(self, address, length, flags, more):
        if length == 0 or flags & ~(NEXT | WRITE | INDIRECT) or not self.memory.holds(address, length):
            raise Refused("no descriptor of a driver")
        return (f"{address:#x} {length} {'w' if flags & WRITE else 'r'}{' indirect' if flags & INDIRECT else ''}{more}"
                f"{' next' if flags & NEXT else ''}")

    def sample(self):
        seen = set()
        return [self.chain(head, seen) for head in self.outstanding()]


def serve(port, serve_one):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("10.77.0.1", port))
    listener.listen(8)

    def accept():
        while True:
            connection = listener.accept()[0]
            threading.Thread(target=serve_one, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def sink(connection):
    while connection.recv(1 << 18):
        pass


def source(connection):
    data = bytes(1 << 18)
    size = 1
    while True:
        size = size * 5 % (1 << 18) + 1
        connection.sendall(data[:size])


def wait_for_load(console, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        text = open(console, errors="replace").read() if os.path.exists(console) else ""
        if re.search(r"^guest: busy", text, re.M):
            return
        if re.search(r"^guest: ", text, re.M):
            break
        time.sleep(0.2)
    sys.exit("the guest did not begin to work")


def stop(process):
    """All of its threads stand still when this returns."""
    os.kill(process, signal.SIGSTOP)
    tasks = f"/proc/{process}/task"
    while any(open(f"{tasks}/{task}/stat").read().rpartition(")")[2].split()[0] != "T" for task in os.listdir(tasks)):
        time.sleep(0.001)


def record(process, queues, least):
    """Samples until there are enough accesses, the same share of them from each queue where it has so many."""
    share = least // len(queues)
    kept = [[] for _ in queues]
    counts = [0] * len(queues)
    refused = {}
    samples = 0
    for samples in range(1, 500):
        time.sleep(0.05 + 0.01 * (samples % 7)) # not in step with a timer
        stop(process)
        for number, queue in enumerate(queues):
            if counts[number] >= share:
                continue
            try:
                chains = queue.sample()
            except Refused as reason:
                refused[str(reason)] = refused.get(str(reason), 0) + 1
                continue
            kept[number].append([line for chain in chains for line in chain])
            counts[number] += len(kept[number][-1])
        os.kill(process, signal.SIGCONT)
        if min(counts) >= share:
            break
    why = ", ".join(f"{count} because {reason}" for reason, count in refused.items()) or "none"
    print(f"{samples} samples, accesses of each queue: {counts}; refused: {why}", file=sys.stderr)
    return kept, samples, sum(refused.values())


def main():
    parser = argparse.ArgumentParser()
    for name in ("qmp", "memory", "console", "layout"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--process", type=int, required=True, help="of the machine")
    parser.add_argument("--accesses", type=int, default=20000)
    parser.add_argument("--note", action="append", default=[])
    parser.add_argument("--queue", action="append", required=True, metavar="DEVICE:NUMBER")
    options = parser.parse_args()
    with open(options.layout) as file:
        layout = file.read()
    monitor = Monitor(options.qmp, 20)
    for port, serve_one in ((5001, sink), (5002, source)):
        serve(port, serve_one)
    wait_for_load(options.console, 120)
    check_layout(monitor, layout)
    memory = Memory(options.memory, layout)
    queues = [Queue(monitor, memory, *name.split(":")[:1], int(name.split(":")[1])) for name in options.queue]
    kept, samples, refused = record(options.process, queues, options.accesses)
    print("# guestmem trace 1")
    for note in options.note + [f"samples: {samples} moments; {refused} looks at a queue were refused"]:
        print("# " + note)
    for number, queue in enumerate(queues):
        print(f"# queue {number}: {queue.name}, {queue.size} descriptors")
    print("layout " + os.path.basename(options.layout).removesuffix(".layout"))
    for turn in range(max(len(blocks) for blocks in kept)):
        for number, blocks in enumerate(kept):
            if turn < len(blocks) and blocks[turn]:
                print(f"queue {number}", *blocks[turn], sep="\n")


main()
