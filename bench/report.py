# SPDX-License-Identifier: MIT
"""Tables of what scripts/bench measured: medians, spread, and who is best.

A row's figure for an allocator is the median of its runs.  Ratios are to the
best peer of that row, whichever it is; libstalloc's own columns are no peers.
An allocator under which any run of a row failed has no figure there.
"""

import csv
import html
import math
import os
import statistics

import plots
import rows

OURS = "libstalloc"
MEANS = "Against the best peer of each row, geometric mean and worst"


def is_peer(allocator):
    return not allocator.startswith(OURS)


def inside_of(run):
    """What the program itself printed, as {name: number}."""
    return {name: int(value) for name, value in
            (pair.split("=") for pair in run["inside"].split())}


class Cell:
    """One allocator in one row."""

    def __init__(self, runs, time, apart=""):
        self.failed = any(run["status"] != "0" for run in runs)
        self.runs = len(runs)
        told = [inside_of(run) for run in runs]
        if time == "wall":
            times = [int(run["wall_us"]) / 1e3 for run in runs]
        else:
            times = [(int(run["user_us"]) + int(run["sys_us"])
                      - one.get(apart, 0)) / 1e3
                     for run, one in zip(runs, told)]
        self.time_ms = statistics.median(times)
        low, _, high = (statistics.quantiles(times, n=4)
                        if len(times) > 1 else (0, 0, 0))
        self.spread_ms = (high - low) / 2
        self.least_ms = min(times)
        self.rss_kib = statistics.median(int(run["rss_kib"]) for run in runs)
        self.faults = statistics.median(
            int(run["minor_faults"]) + int(run["major_faults"])
            for run in runs)
        self.inside = {name: statistics.median(one[name] for one in told)
                       for name in told[0]}
        # Of several runs, the least worst call: the rest is the machine's.
        self.inside.update(
            (name, min(one[name] for one in told))
            for name in told[0] if name.endswith("_worst_cycles"))

    def after_kib(self):
        return self.inside.get("rss_after_free_kib")


class Table:
    def __init__(self, path, wanted):
        self.cells = {}
        runs = {}
        with open(path, newline="") as lines:
            for run in csv.DictReader(lines):
                runs.setdefault((run["row"], run["allocator"]), []).append(run)
        known = {row.name: row for row in wanted}
        for (name, allocator), some in runs.items():
            row = known.get(name)
            self.cells[name, allocator] = (Cell(some, row.time, row.apart)
                                           if row else Cell(some, "cpu"))
        self.rows = [row for row in wanted
                     if any(row.name == name for name, _ in self.cells)]
        # Ours, the C library's, the others: runs are in random order.
        self.allocators = sorted(
            {allocator for _, allocator in self.cells},
            key=lambda a: (is_peer(a), a != "glibc", a))

    def cell(self, row, allocator):
        cell = self.cells.get((row, allocator))
        return None if cell is None or cell.failed else cell

    def best(self, row, figure):
        """The best peer of a row by time_ms or rss_kib: (name, figure)."""
        found = [(getattr(cell, figure), allocator)
                 for allocator in self.allocators if is_peer(allocator)
                 and (cell := self.cell(row, allocator)) is not None]
        least, name = min(found, default=(math.nan, "-"))
        return name, least

    def ratio(self, row, allocator, figure):
        cell = self.cell(row, allocator)
        best = self.best(row, figure)[1]
        if cell is None or not best > 0:
            return math.nan
        return getattr(cell, figure) / best

    def overall(self, allocator, figure, groups):
        """(geometric mean, worst ratio, its row) over the groups' rows."""
        judged = [row.name for row in self.rows if row.group in groups]
        found = [(ratio, name) for name in judged
                 if (ratio := self.ratio(name, allocator, figure)) > 0]
        if not found:
            return math.nan, math.nan, "-"
        mean = math.exp(statistics.fmean(math.log(r) for r, _ in found))
        return mean, *max(found)

    def write_summary(self, path):
        with open(path, "w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow((
                "row", "allocator", "runs", "failed", "time_ms",
                "time_spread_ms", "time_least_ms", "time_vs_best_peer",
                "rss_kib", "rss_vs_best_peer", "rss_after_free_kib",
                "page_faults", "inside"))
            for row in self.rows:
                for allocator in self.allocators:
                    self.write_cell(writer, row.name, allocator)

    def write_cell(self, writer, row, allocator):
        cell = self.cells.get((row, allocator))
        if cell is None:
            return
        inside = " ".join(f"{k}={v:.0f}" for k, v in cell.inside.items())
        writer.writerow((
            row, allocator, cell.runs, int(cell.failed),
            f"{cell.time_ms:.2f}", f"{cell.spread_ms:.2f}",
            f"{cell.least_ms:.2f}",
            f"{self.ratio(row, allocator, 'time_ms'):.3f}", cell.rss_kib,
            f"{self.ratio(row, allocator, 'rss_kib'):.3f}",
            cell.after_kib() or "", cell.faults, inside))

    # --- What a person reads ---------------------------------------------

    def ours_lines(self):
        """Header and lines: ours beside the best peer of each row."""
        lines = [("row", "ms", "+-", "best peer", "ms", "ratio", "peak KiB",
                  "best peer", "KiB", "ratio", "after free", "faults")]
        for row in self.rows:
            cell = self.cells.get((row.name, OURS))
            if cell is None:
                continue
            if cell.failed:
                lines.append((row.name, "FAILED", *[""] * 10))
                continue
            fast, ms = self.best(row.name, "time_ms")
            small, kib = self.best(row.name, "rss_kib")
            after = cell.after_kib()
            lines.append((
                row.name, f"{cell.time_ms:.1f}", f"{cell.spread_ms:.1f}",
                fast, f"{ms:.1f}", f"{cell.time_ms / ms:.2f}",
                f"{cell.rss_kib:.0f}", small, f"{kib:.0f}",
                f"{cell.rss_kib / kib:.2f}",
                "" if after is None else f"{after:.0f}",
                f"{cell.faults:.0f}"))
        return lines

    def overalls(self):
        """[(title, lines)] of all judged rows, and of their families."""
        families = (("programs", {rows.PROGRAMS}),
                    ("own workloads", {rows.ONE, rows.MANY, rows.MEMORY}),
                    ("others", {rows.EXTRA}))
        present = {row.group for row in self.rows}
        some = [(title, groups) for title, groups in families
                if groups & present]
        if len(some) > 1:
            some.append(("all rows", set().union(*(g for _, g in some))))
        return [(title, self.overall_lines(groups)) for title, groups in some]

    def overall_lines(self, groups):
        lines = [("allocator", "time", "worst", "row", "peak RSS", "worst",
                  "row", "failed")]
        names = {row.name for row in self.rows if row.group in groups}
        for allocator in self.allocators:
            time = self.overall(allocator, "time_ms", groups)
            rss = self.overall(allocator, "rss_kib", groups)
            failed = " ".join(name for (name, a), cell in self.cells.items()
                              if a == allocator and cell.failed
                              and name in names)
            lines.append((allocator, f"{time[0]:.3f}", f"{time[1]:.2f}",
                          time[2], f"{rss[0]:.3f}", f"{rss[1]:.2f}", rss[2],
                          failed))
        return lines

    def figure_lines(self, show, names=None):
        """Header and lines of one figure: a line a row, all allocators.

        show(row, allocator, cell) is the figure as text."""
        lines = [("row", *self.allocators)]
        for row in self.rows:
            if names is None or row.name in names:
                lines.append((row.name, *(
                    show(row.name, allocator, cell)
                    if (cell := self.cell(row.name, allocator)) else "-"
                    for allocator in self.allocators)))
        return lines

    def inside_lines(self, row):
        """What the programs of one row printed, a line each figure."""
        names = dict.fromkeys(
            name for (r, _), cell in self.cells.items() if r == row
            for name in cell.inside)
        return [(row, *self.allocators)] + [
            (name, *(f"{cell.inside[name]:.0f}"
                     if cell and name in cell.inside else "-"
                     for cell in (self.cell(row, allocator)
                                  for allocator in self.allocators)))
            for name in names]

    def scaling_lines(self):
        """How much faster two threads do what one does, each by itself."""
        pairs = [(self.cell("threads-1", allocator),
                  self.cell("threads-2", allocator))
                 for allocator in self.allocators]
        if not any(one and two for one, two in pairs):
            return None
        return [("threads-1 / threads-2", *self.allocators),
                ("times the work", *(
                    f"{one.inside['wall_us'] / two.inside['wall_us']:.2f}"
                    if one and two else "-" for one, two in pairs))]

    def growth(self, growth, allocator, memory):
        """[(number, figure)] of one family of rows."""
        found = []
        for row in self.rows:
            name, _, number = row.name.rpartition("-")
            cell = self.cell(row.name, allocator)
            if name == growth.name and cell:
                figure = (cell.rss_kib / int(number) if memory
                          else cell.inside[growth.figure] / 1e3)
                found.append((int(number), figure))
        return found

    def growth_lines(self, growth, memory):
        """Header and lines: a line a number, all allocators."""
        columns = [dict(self.growth(growth, allocator, memory))
                   for allocator in self.allocators]
        numbers = sorted({number for column in columns for number in column})
        return [(growth.number, *self.allocators)] + [
            (str(number), *(f"{column[number]:.1f}" if number in column
                            else "-" for column in columns))
            for number in numbers]

    def growths(self):
        """[(title, lines)] of the families that were run."""
        found = []
        for growth in rows.GROWTHS:
            for memory, unit in ((False, growth.cost), (True, growth.memory)):
                lines = self.growth_lines(growth, memory) if unit else []
                if len(lines) > 1:
                    found.append((f"{unit}, by {growth.number}", lines))
        return found

    def special_rows(self):
        """Rows whose point is what the program itself saw."""
        return [row.name for row in self.rows
                if row.group in (rows.LATENCY, rows.MEMORY)]

    def as_text(self):
        parts = ["Ours beside the best peer of each row", self.ours_lines()]
        for title, lines in self.overalls():
            parts += [f"{MEANS}: {title}", lines]
        if self.scaling_lines():
            parts += ["Two threads and one", self.scaling_lines()]
        for row in self.special_rows():
            parts += ["", self.inside_lines(row)]
        for title, lines in self.growths():
            parts += [title, lines]
        return "\n".join(part if isinstance(part, str) else aligned(part)
                         for part in parts)


def aligned(lines):
    """Lines of words as text in columns, the first to the left."""
    widths = [max(len(line[i]) for line in lines)
              for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(word.ljust(width) if i == 0 else word.rjust(width)
                  for i, (word, width) in enumerate(zip(line, widths)))
        .rstrip() for line in lines) + "\n"


def as_html(lines):
    def cells(tag, line):
        return "".join(f"<{tag}>{html.escape(word)}</{tag}>" for word in line)
    return ("<table><tr>" + cells("th", lines[0]) + "</tr>"
            + "".join(f"<tr>{cells('td', line)}</tr>\n" for line in lines[1:])
            + "</table>")


STYLE = """
body { font: 15px/1.5 sans-serif; max-width: 76em; margin: 2em auto; }
table { border-collapse: collapse; margin: 1em 0; font-size: 13px; }
td, th { padding: .15em .7em; text-align: right; border-bottom: 1px solid #ddd }
td:first-child, th:first-child { text-align: left }
svg { max-width: 100%; height: auto }
"""


def make_page(folder, table):
    """Writes report.html with its plots inside; returns its path."""
    def time(row, allocator, cell):
        ratio = table.ratio(row, allocator, "time_ms")
        return f"{cell.time_ms:.1f} ({ratio:.2f})"

    def memory(row, allocator, cell):
        ratio = table.ratio(row, allocator, "rss_kib")
        return f"{cell.rss_kib / 1024:.1f} ({ratio:.2f})"

    after = {row.name for row in table.rows for a in table.allocators
             if (c := table.cell(row.name, a)) and c.after_kib() is not None}
    sections = [("Ours beside the best peer", table.ours_lines())]
    sections += [(f"{MEANS}: {title}", lines)
                 for title, lines in table.overalls()]
    if table.scaling_lines():
        sections.append(("Two threads and one", table.scaling_lines()))
    sections += [
        ("Time in ms (ratio to the best peer)", table.figure_lines(time)),
        ("Peak resident size in MiB (ratio to the smallest peer)",
         table.figure_lines(memory)),
        ("Resident size in MiB after everything was freed",
         table.figure_lines(
             lambda row, allocator, cell: f"{cell.after_kib() / 1024:.1f}",
             after)),
        ("Page faults", table.figure_lines(
            lambda row, allocator, cell: f"{cell.faults:.0f}"))]
    sections += [(f"Inside {row}", table.inside_lines(row))
                 for row in table.special_rows()]
    sections += [(f"Growth: {title}", lines)
                 for title, lines in table.growths()]

    parts = ["<!doctype html><meta charset=utf-8><title>libstalloc bench"
             f"</title><style>{STYLE}</style><h1>libstalloc bench</h1>"]
    with open(os.path.join(folder, "about.txt")) as about:
        parts.append(f"<pre>{html.escape(about.read())}</pre>")
    parts += [f"<h2>{html.escape(title)}</h2>{svg}"
              for title, svg in plots.draw(folder, table)]
    parts += [f"<h2>{html.escape(title)}</h2>{as_html(lines)}"
              for title, lines in sections]
    path = os.path.join(folder, "report.html")
    with open(path, "w") as out:
        out.write("\n".join(parts))
    return path
