#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""What the compiler made of the fast path: fast_path.py COMPILER SOURCE INCLUDE [DEFINE...], or --self-test.

The promise "a bounds check and two dependent loads; no call, lock or fence" is about machine code, so it is
read from machine code. Times on a shared machine could not tell one load more from noise.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

SKIP = 77
FENCES = re.compile(r"\b(lock|xchg\w*|cmpxchg\w*|xadd\w*|[lms]fence|cpuid|serialize)\b")
LEAVES = re.compile(r"^(call|jmp|j[a-z]+)\b")
# disp(base,index,scale), as objdump prints it in AT&T syntax
MEMORY = re.compile(r"(?:%\ws:)?[-+\w]*\((%\w+)?(?:,(%\w+))?[^)]*\)")


class Function:
    """The instructions of one symbol: (mnemonic and operands, target of a relocation or None)."""

    def __init__(self, name):
        self.name = name
        self.code = []


def disassemble(text):
    """Functions by name out of the output of objdump -dr."""
    functions, current = {}, None
    for line in text.splitlines():
        head = re.match(r"^[0-9a-f]+ <([^>]+)>:$", line)
        if head:
            current = functions.setdefault(head.group(1), Function(head.group(1)))
            continue
        relocation = re.search(r"R_X86_64_\w+\s+([\w.]+)", line)
        if relocation and current and current.code:
            current.code[-1] = (current.code[-1][0], relocation.group(1))
            continue
        instruction = re.match(r"^\s+[0-9a-f]+:\s+(\S.*)$", line)
        if instruction and current:
            current.code.append((instruction.group(1).split("#")[0].strip(), None))
    return functions


def cold(functions, function, index):
    """Whether an instruction is off the hot path: in the cold section, or behind the first return."""
    if function.name.endswith(".cold"):
        return True
    return any(re.match(r"(repz )?ret", code) for code, _ in function.code[:index])


def loads(function):
    """Base registers of the instructions that read memory; lea and nop only look as if they did."""
    bases = []
    for code, _ in function.code:
        if re.match(r"(lea|nop|data16|cs nop|xchg\s+%ax,%ax)", code):
            continue
        for match in MEMORY.finditer(code):
            bases.append(match.group(1))
    return bases


def destinations(functions, name):
    """(symbol, whether cold) of each way out of a function and its cold part."""
    for part in (name, name + ".cold"):
        function = functions.get(part)
        for index, (code, symbol) in enumerate(function.code if function else ()):
            if not LEAVES.match(code):
                continue
            inside = re.search(r"<([\w.]+?)(\+0x[0-9a-f]+)?>", code)
            target = symbol.split("-")[0] if symbol else (inside.group(1) if inside else "an unknown place")
            # jumps between a function and its cold part carry a section's name as their target
            if target.startswith(".text") or target in (name, name + ".cold"):
                continue
            yield target, cold(functions, function, index)


def judge(functions):
    """What is wrong with the functions of fast_path.c, as a list of sentences."""
    wrong = []
    for name in ("use_direct", "use_translate", "use_handle", "use_read", "use_write"):
        if name not in functions or not functions[name].code:
            return [f"{name} is not in the object: nothing was checked"]
        for part in (name, name + ".cold"):
            for code, _ in functions[part].code if part in functions else ():
                if FENCES.search(code) and not re.match(r"(data16 )?xchg\s+%ax,%ax", code):
                    wrong.append(f"{part} has a locked instruction or a fence: {code}")

    for target, _ in destinations(functions, "use_direct"):
        wrong.append(f"use_direct leaves for {target}; it has no way out but its return")
    bases = loads(functions["use_direct"])
    of_view = sum(base == "%rdi" for base in bases)
    if of_view != 2:
        wrong.append(f"use_direct reads {of_view} words of the view, not 2 (gib_count and an entry of the top array)")
    if len(bases) - of_view != 1:
        wrong.append(f"use_direct has {len(bases) - of_view} loads beyond the view, not 1 (the leaf word)")

    for name, slow in (("use_translate", "gm_translate_slow"), ("use_handle", "gm_handle_refresh")):
        ways = list(destinations(functions, name))
        if [target for target, _ in ways] != [slow]:
            wrong.append(f"{name} leaves for {[target for target, _ in ways]}, not only once for {slow}")
        for target, is_cold in ways:
            if not is_cold:
                wrong.append(f"{name} leaves for {target} on the hot path")

    marks = {"gm_dirty_mark_page", "gm_dirty_mark_slow"}
    for name, slow in (("use_read", {"gm_guest_read_unit"}), ("use_write", {"gm_guest_write_unit"} | marks)):
        ways = list(destinations(functions, name))
        if {target for target, _ in ways} != slow:
            wrong.append(f"{name} leaves for {sorted({target for target, _ in ways})}, not for {sorted(slow)}")
        wrong += [f"{name} leaves for {target} on the hot path" for target, is_cold in ways if not is_cold]
    return wrong


def compiled(compiler, source, include, defines):
    """Compile and disassemble; returns the functions."""
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "fast_path.o")
        command = [compiler, "-O2", "-std=gnu17", "-fPIE", "-I" + include, "-c", source, "-o", target]
        subprocess.run(command + ["-D" + define for define in defines], check=True)
        command = ["objdump", "-dr", "--no-show-raw-insn", target]
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode()
    return disassemble(text)


# Bodies that break the promise, each with a word that the complaint about it must hold.
SEEDS = (
    ("fence", "__atomic_thread_fence(__ATOMIC_SEQ_CST); return gm_translate_direct(view, gpa, 8, GM_READ);"),
    ("locked", "__atomic_fetch_add((uint64_t *)view, 1, __ATOMIC_RELAXED);"
     " return gm_translate_direct(view, gpa, 8, GM_READ);"),
    ("beyond", "void **p = gm_translate_direct(view, gpa, 8, GM_READ); return p ? *p : p;"),
    ("words", "return (char *)gm_translate_direct(view, gpa, 8, GM_READ) + view->linear_base;"),
    ("leaves", "return gm_translate(view, gpa, 8, GM_READ);"),
    ("leaves", "extern void hook(void); hook(); return gm_translate_direct(view, gpa, 8, GM_READ);"),
)


def self_test(compiler, source, include):
    """Each seed replaces the body of use_direct; judge has to complain about it."""
    with open(source, encoding="utf-8") as file:
        text = file.read()
    wrong = 0
    for word, body in SEEDS:
        broken = text.replace("return gm_translate_direct(view, gpa, 8, GM_READ);", body, 1)
        with tempfile.NamedTemporaryFile("w", suffix=".c") as file:
            file.write(broken)
            file.flush()
            found = judge(compiled(compiler, file.name, include, []))
        if broken == text or not any(word in line for line in found):
            print(f"not seen: {body} (found {found})")
            wrong += 1
    hot = text.replace("return gm_translate(", "return gm_translate_slow(")
    with tempfile.NamedTemporaryFile("w", suffix=".c") as file:
        file.write(hot)
        file.flush()
        if not any("hot path" in line for line in judge(compiled(compiler, file.name, include, []))):
            print("not seen: a call of the slow path on the hot path")
            wrong += 1
    unmarked = text.replace("return gm_guest_write_u64(view, gpa, value);",
                            "return gm_guest_write_unit(view, gpa, value, 8);")
    with tempfile.NamedTemporaryFile("w", suffix=".c") as file:
        file.write(unmarked)
        file.flush()
        if not any("use_write leaves" in line for line in judge(compiled(compiler, file.name, include, []))):
            print("not seen: a write that is not inlined")
            wrong += 1
    print(f"fast path self-test: {len(SEEDS) + 2} seeds, {wrong} not seen")
    return 1 if wrong else 0


def main(arguments):
    self = "--self-test" in arguments
    arguments = [argument for argument in arguments if argument != "--self-test"]
    if len(arguments) < 3:
        print(__doc__)
        return 2
    compiler, source, include = arguments[:3]
    for tool in (compiler, "objdump"):
        if not shutil.which(tool):
            print(f"SKIPPED: {tool} is not installed")
            return SKIP
    if os.uname().machine != "x86_64":
        print("SKIPPED: the disassembly is read for x86-64 only")
        return SKIP
    if self:
        return self_test(compiler, source, include)
    wrong = judge(compiled(compiler, source, include, arguments[3:]))
    for line in wrong:
        print(f"{compiler}: {line}")
    print(f"{compiler}: the fast path is {'not ' if wrong else ''}as promised")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
