# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""On what a recording was made, in words."""

import words


def caches(about):
    sizes = [about.get(f"l{level}_bytes") for level in ("1d", "2", "3")]
    return " / ".join(words.quantity(size, "bytes") for size in sizes if size)


def sentence(recording):
    """Processor, system, compiler and how quiet it was."""
    about = recording.about
    quiet = "quiet" if about.get("quiet") else f"NOT quiet ({about.get('noise', 'no reason given')})"
    peers = f"; peers: {recording.peers_skipped}" if recording.peers_skipped else ""
    return (f"{about.get('cpu', 'unknown processor')}, {words.plural(about.get('cpus', 0), 'CPU')}"
            f"{' (virtual)' if about.get('virtualised') == 'yes' else ''}, caches {caches(about)}, "
            f"{about.get('kernel', 'unknown kernel')}, {about.get('compiler', 'unknown compiler')}, "
            f"kernels {recording.isa}; {quiet}{peers}.")
