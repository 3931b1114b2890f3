# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""The look of the page. Series differ in colour, in dash and in the shape of their points, so that no one of them has
to be told apart by colour alone; light and dark have their own shades, dark enough and light enough for text."""

LIGHT = {"ground": "#ffffff", "card": "#f7f8fa", "ink": "#16191d", "soft": "#565d66", "rule": "#dde1e6",
         "link": "#0b57a4", "good": "#0a6640", "bad": "#a3290c",
         "ours": "#0a5fb4", "ours1": "#008577", "ours2": "#7a3fa0", "ours3": "#a8500b", "ours4": "#75651a",
         "ours5": "#b03060", "peer0": "#b84a00", "peer1": "#a52c78", "peer2": "#7a6900", "peer3": "#5b46b2",
         "peer4": "#8c2f2f", "peer5": "#2f6d3a", "rival": "#0d7f5f", "floor": "#6a7078", "target": "#8d949c"}
DARK = {"ground": "#111418", "card": "#191d23", "ink": "#eceff3", "soft": "#a5adb8", "rule": "#2d333b",
        "link": "#7fb8f5", "good": "#6fd0a0", "bad": "#ff9a7d",
        "ours": "#5fb1ff", "ours1": "#4fd0c0", "ours2": "#cf9bf0", "ours3": "#f0a860", "ours4": "#d8c76a",
        "ours5": "#f58fb2", "peer0": "#ff9a52", "peer1": "#f08cc8", "peer2": "#e0cc55", "peer3": "#b3a5ff",
        "peer4": "#f09090", "peer5": "#8fd49a", "rival": "#52cfa4", "floor": "#a9b0b9", "target": "#7d858f"}
DASH = {"floor": "6 4", "target": "2 4", "rival": "9 3 2 3", "peer1": "7 3", "peer3": "4 2", "peer4": "10 3",
        "peer5": "2 2", "ours1": "8 3", "ours2": "3 3", "ours3": "10 3 2 3", "ours4": "5 2", "ours5": "1 3"}
SERIES = tuple(name for name in LIGHT if name.startswith(("ours", "peer", "rival", "floor", "target")))

RULES = """
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 1.5rem 1rem 4rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; } h2 { margin: 2.6rem 0 .8rem; font-size: 1.3rem; }
h3 { margin: 0; font-size: 1.02rem; } p { margin: .4rem 0; } a { color: var(--link); } code { font-size: .9em; }
.soft { color: var(--soft); } .lead { font-size: 1.15rem; margin: .8rem 0 1rem; max-width: 62rem; }
.tiles { display: flex; flex-wrap: wrap; gap: .7rem; margin: 1rem 0; }
.tile { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: .6rem 1rem; }
.tile b { display: block; font-size: 1.5rem; line-height: 1.2; } .tile span { color: var(--soft); font-size: .9rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 460px), 1fr)); gap: 1rem;
  align-items: start; }
figure { margin: 0; background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: .9rem;
  min-width: 0; }
figure svg { display: block; width: 100%; height: auto; margin-top: .4rem; }
.take { color: var(--soft); font-size: .92rem; } .take b { color: var(--ink); } 
.note { font-size: .92rem; border-left: 3px solid var(--rule); padding-left: .6rem; }
details { margin-top: .5rem; } summary { cursor: pointer; color: var(--soft); font-size: .9rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .86rem; width: 100%; margin: .4rem 0; }
th, td { text-align: left; padding: .22rem .6rem .22rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
td + td, th + th { text-align: right; white-space: nowrap; } .name { text-align: left; }
.met { color: var(--good); } .missed { color: var(--bad); font-weight: 600; }
svg text { fill: var(--ink); font-size: 12.5px; } svg .tick, svg .value { fill: var(--soft); font-size: 12px; }
svg .axis-name { fill: var(--soft); font-size: 12.5px; } svg .grid { stroke: var(--rule); }
svg .axis { stroke: var(--soft); } svg .line { fill: none; stroke: var(--c); stroke-width: 2; }
svg .line.ours { stroke-width: 3.2; } svg .series circle, svg .series polygon { fill: var(--c); }
svg .leader { fill: none; stroke: var(--c); stroke-width: 1; opacity: .7; } svg .bar { fill: var(--c); }
svg text.value { paint-order: stroke; stroke: var(--card); stroke-width: 3px; }
svg .mark { stroke: var(--ink); stroke-width: 1.6; }
@media (max-width: 520px) { figure { padding: .6rem; } svg text, svg .tick, svg .value, svg .axis-name {
  font-size: 14.5px; } }
svg .name.ours { font-weight: 700; } svg text.name { fill: var(--n, var(--ink)); }
"""


def variables(colours):
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


def sheet():
    """The whole style sheet."""
    colours = "\n".join(f"svg .{name} {{ --c: var(--{name}); --n: var(--{name}); }}" for name in SERIES)
    dashes = "\n".join(f"svg .line.{name} {{ stroke-dasharray: {dash}; }}" for name, dash in DASH.items())
    return (f":root {{ color-scheme: light dark; {variables(LIGHT)} }}\n"
            f"@media (prefers-color-scheme: dark) {{ :root {{ {variables(DARK)} }} }}\n"
            f"{RULES.strip()}\n{colours}\n{dashes}\n")
