# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""Self-test of ci/tidy.py: a small clean repository, and one violation at a time.

A rule that never fires looks exactly like a clean tree, so each rule has a seed that it must report, and no
other rule may; and every rule that tidy.py can report must have a seed.
"""

import re
import tempfile
from pathlib import Path

SPDX = "/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */\n"
HASH = "# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause\n"
LAYERS = (Path(__file__).resolve().parent / "layers.txt").read_text(encoding="utf-8")

CLEAN = {
    "CMakeLists.txt": HASH + "project(guestmem VERSION 1.2.3 LANGUAGES C)\n",
    "ci/layers.txt": LAYERS,
    "include/guestmem/api.h": SPDX
    + "#define GM_API\n#define GM_VERSION_MAJOR 1\n#define GM_VERSION_MINOR 2\n"
    + "#define GM_VERSION_PATCH 3\n"
    + "GM_API int gm_first(void (*callback)(void *argument));\nGM_API\nvoid *gm_second(void);\n",
    "core/guestmem.map": SPDX + "X { global:\n    gm_first;\n    gm_second;\nlocal: *; };\n",
    "core/base/rcu.c": SPDX + "#define _LGPL_SOURCE\n#include <urcu/urcu-memb.h>\n",
    "core/base/atomic.h": SPDX + "#define gm_load(p) __atomic_load_n((p), 0)\n",
    "core/map/leaf.h": SPDX
    + '#include <guestmem/api.h>\n#include "base/atomic.h"\n#include "map/leaf_bits.h"\n',
    "core/map/leaf_bits.h": SPDX + "int leaf(void);\n",
    "core/map/leaf.c": SPDX
    + "/* [leaf-P1] a pair */\n#include \"map/leaf.h\"\nint leaf(void)\n{\n"
    + "    gm_load(0); /* [leaf-P1] */\n    gm_load(1); /* [leaf-P1] */\n    return '{';\n}\n",
    "core/backing/memory.h": SPDX + "int memory(void);\n",
    "tests/unit/test_leaf.c": SPDX + '#include <cmocka.h>\n#include "map/leaf.h"\nint main(void)\n{\n}\n',
    "tests/api/test_api.c": SPDX + "#include <guestmem/api.h>\n",
    "bench/bench.c": SPDX + "#include <guestmem/api.h>\n",
    "ci/test": "#!/usr/bin/env bash\n" + HASH + "run() {\n    true\n}\n",
}

FILLER = "    leaf();\n" * 80
C = "core/map/leaf.c"

# (rule, file, what is put at the end of that file; "=" in front replaces the file)
SEEDS = (
    ("spdx", "core/map/new.c", "=int x;\n"),
    ("spdx", "ci/new.sh", "=true\n"),
    ("spdx", "ci/tiers/new", "=#!/usr/bin/env bash\ntrue\n"),
    ("file-length", C, "int x;\n" * 400),
    ("file-length", "ci/test", "true\n" * 400),
    ("function-length", C, "int long_one(int a,\n             int b)\n{\n" + FILLER + "}\n"),
    ("function-length", C, "#define OPEN {\nint long_one(void)\n{\n" + FILLER + "}\n"),
    ("function-length", "bench/new.cc",
     "=" + SPDX + "struct s {\n    void f() const {\n" + FILLER + "    }\n};\n"),
    ("function-length", "ci/test", "long_one() {\n" + "    true\n" * 80 + "}\n"),
    ("function-length", "ci/new.py", "=" + HASH + "def long_one():\n" + "    pass\n" * 80),
    ("line-width", C, "/* " + "x" * 120 + " */\n"),
    ("line-width", "ci/test", "# " + "x" * 120 + "\n"),
    ("tab", C, "\tint x;\n"),
    ("word", C, "/* TO" + "DO: later */\n"),
    ("word", "ci/test", "# FIX" + "ME\n"),
    ("word", C, "/* XX" + "X */\n"),
    ("include-unknown", C, '#include "map/absent.h"\n'),
    ("include-layer", "core/base/atomic.h", '#include "map/leaf.h"\n'),
    ("include-layer", "core/backing/memory.c", "=" + SPDX + '#include "alloc/range.h"\n'),
    ("include-layer", "core/base/new.c", "=" + SPDX + '#include "../map/leaf.h"\n'),
    ("include-layer", "tests/api/test_api.c", '#include "map/leaf.h"\n'),
    ("include-layer", "bench/bench.c", '#include "map/leaf.h"\n'),
    ("include-layer", "include/guestmem/api.h", '#include "../../core/map/leaf.h"\n'),
    ("layer-unknown", "core/novel/new.c", "=" + SPDX),
    ("include-home", C, "#include <urcu/urcu-memb.h>\n"),
    ("include-home", C, "#  include <jemalloc/jemalloc.h>\n"),
    ("include-home", C, "#include <numa.h>\n"),
    ("include-home", C, "#include <linux/kvm.h>\n"),
    ("include-home", C, "#include <immintrin.h>\n"),
    ("include-home", "core/map/find_avx2.c", "=" + SPDX + "#include <arm_neon.h>\n"),
    ("include-home", "include/guestmem/api.h", "#include <stdatomic.h>\n"),
    ("include-home", "bench/new.cc", "=" + SPDX + "#include <benchmark/benchmark.h>\n"),
    ("ifunc", C, '__attribute__((target_clones("avx2", "default"))) int f(void);\n'),
    ("ifunc", C, '__attribute__((ifunc("pick"))) int f(void);\n'),
    ("atomic-home", C, "int x = __atomic_load_n(0, 0);\n"),
    ("atomic-public", "include/guestmem/api.h", "extern _Atomic int x;\n"),
    ("heap-home", C, "void *p = malloc(1);\n"),
    ("lgpl", C, "#define _LGPL_SOURCE\n"),
    ("tag", C, "int x; /* [leaf-P2] */\n"),
    ("tag", "core/map/new.c", "=" + SPDX + "/* [new-P1] [new-P1]\n * [new-P1] */\nint x;\n"),
    ("tag", "core/map/new.c", "=" + SPDX + "int x; /* [new-P1] [new-P1] */\n"),
    ("exports", "include/guestmem/api.h", "GM_API int gm_third(void);\n"),
    ("exports", "core/guestmem.map", "=" + SPDX),
    ("version", "CMakeLists.txt", "=" + HASH + "project(guestmem VERSION 1.2.4)\n"),
)

# Looks wrong and is right: none of these may be reported.
INNOCENT = (
    (C, '/* ifunc, malloc(1), __atomic_load_n */ const char *s = "malloc(1) target_clones";\n'),
    (C, "// mktemp name." + "X" * 6 + "\n"),
    (C, "void a(void)\n{\n    for (;;) {\n" + "        leaf();\n" * 60 + "    }\n}\nvoid b(void)\n{\n"
     + "    leaf();\n" * 60 + "}\n"),
    (C, "static const int table[] = {\n" + "    1,\n" * 200 + "};\n"),
    ("tests/unit/test_leaf.c", '#include "backing/memory.h"\n'),
    ("core/space/commit.c", "=" + SPDX + '#include "backing/memory.h"\n#include "map/leaf.h"\n'),
    ("core/base/alloc.c", "=" + SPDX + "#include <jemalloc/jemalloc.h>\nvoid *p = malloc(1);\n"),
)


def write(top, name, content, append):
    path = top / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a" if append else "w", encoding="utf-8") as file:
        file.write(content)


def findings_with(check, name="", change=""):
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        for file, content in CLEAN.items():
            write(top, file, content, append=False)
        if "alloc/range.h" in change:
            write(top, "core/alloc/range.h", SPDX, append=False)
        if name:
            write(top, name, change.removeprefix("="), append=not change.startswith("="))
        return check(top)[1]


def run(check):
    """Try every seed; returns the exit status."""
    wrong = [f"clean tree: {finding}" for finding in findings_with(check)]
    if wrong:
        print("\n".join(wrong))
        return 1
    for rule, name, change in SEEDS:
        found = findings_with(check, name, change)
        if {finding[2] for finding in found} != {rule}:
            wrong.append(f"{rule} on {name} with {change[:60]!r}: found {found}")
    for name, change in INNOCENT:
        found = findings_with(check, name, change)
        if found:
            wrong.append(f"false alarm on {name} with {change[:60]!r}: {found}")
    source = (Path(__file__).resolve().parent / "tidy.py").read_text(encoding="utf-8")
    source += (Path(__file__).resolve().parent / "tidy_layers.py").read_text(encoding="utf-8")
    rules = set(re.findall(r'(?:report\([^"]*|yield )"([a-z-]+)"', source))
    for rule in sorted(rules - {seed[0] for seed in SEEDS}):
        wrong.append(f"{rule} has no seed")
    for line in wrong:
        print(line)
    print(f"tidy self-test: {len(rules)} rules, {len(SEEDS)} seeds, {len(wrong)} wrong")
    return 1 if wrong or not rules else 0
