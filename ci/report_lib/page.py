# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
"""The page of a machine: one file of HTML that needs nothing else, drawn from its newest recording."""

from html import escape

import catalogue
import environ
import proof
import row as rows
import style
import words


def tag(name, inside, **attributes):
    extra = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{extra}>{inside}</{name}>"


def table(head, body, caption=""):
    """Cells are text; (text, class) gives a cell a class."""
    def cell(kind, value, **attributes):
        words_of, attributes["class_"] = (value, "") if isinstance(value, str) else value
        return tag(kind, escape(words_of), **{key: text for key, text in attributes.items() if text})

    lines = [tag("tr", "".join(cell("th", name, scope="col") for name in head))]
    lines += [tag("tr", "".join(cell("td", value) for value in line)) for line in body]
    if caption:
        lines.insert(0, tag("caption", escape(caption)))
    return tag("div", tag("table", "\n".join(lines)), class_="scroll")


def figure(found):
    parts = [tag("h3", escape(found.title))]
    if found.missing:
        parts.append(tag("p", escape(found.missing), class_="note soft"))
    if found.take:
        point = tag("b", escape(found.point)) + " " if found.point else ""
        parts.append(tag("p", point + escape(found.take), class_="take"))
    parts += [tag("p", f"guestmem: {escape(note)}.", class_="note soft") for note in found.notes]
    if found.picture:
        parts.append(found.picture)
    if found.body:
        numbers = table(found.head, found.body)
        parts.append(tag("details", tag("summary", "the numbers") + numbers) if found.picture else numbers)
    return tag("figure", "\n".join(parts), id=f"figure-{found.key}")


def section(heading, figures):
    return tag("h2", escape(heading)) + "\n" + tag("div", "\n".join(figure(one) for one in figures), class_="grid")


def tiles(recording):
    counts = rows.counts(recording.rows)
    judged = counts["met"] + counts["missed"]
    found = [(f"{counts['met']} of {judged}", "targets met"), (str(counts["missed"]), "missed"),
             (str(len(recording.rows)), "rows measured or explained")]
    found += [(str(counts[name]), f"rows {name}") for name in rows.VERDICTS[2:] if counts[name]]
    return tag("div", "\n".join(tag("div", tag("b", big) + tag("span", small), class_="tile") for big, small in found),
               class_="tiles")


def lead(recording):
    """One sentence for those who read no further, from the row that tells most; nothing where it was not measured."""
    row = recording.by_name.get("translate/single/uniform/call/regions:4096", {})
    peer = rows.best(row, "peers") if row else None
    if not peer or row.get("ours") is None or not row.get("floor"):
        return ""
    return tag("p", f"A guest-physical address among 4096 regions becomes a pointer in "
               f"<b>{words.number(row['ours'])} ns</b>; the bare loop takes {words.number(row['floor'])} ns, the "
               f"quickest published library ({escape(peer[1])}) {words.number(peer[0])} ns.", class_="lead")


def by_id(recording):
    body = []
    for name in recording.ids():
        counts = rows.counts([row for row in recording.rows if row["id"] == name])
        body.append([name, (rows.QUESTIONS.get(name, ""), "name"), str(counts["met"]),
                     (str(counts["missed"]), "missed" if counts["missed"] else ""),
                     *(str(counts[kind]) for kind in rows.VERDICTS[2:])])
    return table(["id", ("question", "name"), *rows.VERDICTS], body)


def row_cells(row):
    peer, other = rows.best(row, "peers"), rows.best(row, "competitors")
    verdict = rows.verdict(row)
    sign = "≥" if rows.more_is_better(row) else "≤"
    limit = "" if row.get("target") is None else f"{sign} {words.number(row['target'])}"
    return [row["name"], words.number(row.get("ours")), words.number(row.get("floor")), words.number(rows.ratio(row)),
            *(f"{words.number(found[0])} {found[1]}" if found else "" for found in (peer, other)), limit,
            (rows.reason(row) or verdict, verdict if verdict in ("met", "missed") else "")]


def every_row(recording):
    head = ["row", "ours", "floor", "ratio", "best peer", "best re-implementation", "target", ""]
    for name in recording.ids():
        mine = [row for row in recording.rows if row["id"] == name]
        units = ", ".join(dict.fromkeys(row["unit"] for row in mine))
        title = f"{name} · {rows.QUESTIONS.get(name, '')} [{units}], {words.plural(len(mine), 'row')}"
        yield tag("details", tag("summary", escape(title)) + table(head, [row_cells(row) for row in mine]))


def recordings_list(recordings):
    items = [f'{one.date}, <code>{escape(one.revision)}</code>: <a href="{escape(one.folder.rsplit("/", 1)[1])}/'
             f'headline.json">headline.json</a>' for one in recordings]
    return tag("ul", "\n".join(tag("li", item) for item in items))


HOW_TO_READ = """Times are medians of one process in which everything takes turns. The <b>floor</b> is the same loop
with the least possible work. <b>Peers</b> have a version in their name and are the published libraries; the <b>best
re-implementation</b> is, at each place, the quickest of those that follow the algorithms of others. Lower is quicker.
Point at a mark to read its value; the numbers are under each plot."""


def html(recordings):
    """The text of the page of the recordings of one machine, newest first."""
    newest = recordings[0]
    title = f"guestmem on {newest.about.get('cpu', newest.machine)}"
    body = [tag("h1", escape(title)),
            tag("p", f"Recorded {newest.date}, revision <code>{escape(newest.revision)}</code>. "
                f"{escape(environ.sentence(newest))}", class_="soft"),
            lead(newest), tiles(newest), tag("p", HOW_TO_READ, class_="soft")]
    body += [section(heading, figures) for heading, figures in catalogue.sections(recordings)]
    body += [tag("h2", "Does the gate see a slowdown?"), table(proof.HEAD, proof.table(recordings)),
             tag("p", escape(proof.source(recordings)), class_="soft"),
             tag("h2", "Targets"), by_id(newest), tag("h2", "Every row"), *every_row(newest),
             tag("h2", "Recordings of this machine"), recordings_list(recordings)]
    return ("<!doctype html>\n<!-- SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause; made by ci/report -->\n"
            '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)}</title>\n<style>\n{style.sheet()}</style>\n</head>\n<body>\n"
            + "\n".join(part for part in body if part) + "\n</body>\n</html>\n")
