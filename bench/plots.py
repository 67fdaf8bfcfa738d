# SPDX-License-Identifier: MIT
"""The plots of the bench's page, drawn by gnuplot as SVG.

Each plot is a data file and a script in the output folder, so that either can
be changed and drawn again by hand.
"""

import csv
import math
import os
import shutil
import subprocess
import sys

import rows

COLOURS = ("#888888", "#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e",
           "#17becf", "#8c564b", "#e377c2", "#bcbd22", "#393b79", "#637939")


def gnuplot(folder, name, script, size="1200,520"):
    """Draws NAME.svg from a script; returns its text."""
    svg = os.path.join(folder, name + ".svg")
    path = os.path.join(folder, name + ".gp")
    with open(path, "w") as out:
        out.write(f"set terminal svg size {size} font 'sans,12' "
                  f"background 'white'\nset output '{name}.svg'\n"
                  "set key outside right top\nset grid ytics lc '#dddddd'\n"
                  + script)
    done = subprocess.run(["gnuplot", name + ".gp"], cwd=folder, check=False,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: gnuplot {path}: {done.stderr}")
    with open(svg) as text:
        return text.read().split("?>", 1)[-1]


def quoted(text):
    return '"' + text.replace("_", "\\\\_") + '"'


def labelled(nth, allocator):
    """The colour and the title of the nth allocator, in every plot."""
    return (f"lc rgb '{COLOURS[nth % len(COLOURS)]}' "
            f"title {quoted(allocator)}")


def bars(folder, table, name, groups):
    """Time above, memory below: a cluster of bars for each row, each the ratio
    to the best peer."""
    names = [row.name for row in table.rows if row.group in groups]
    # Without any figure, as all of its runs failed or it sits these rows out, an
    # allocator has no bars, and gnuplot would stop there.
    columns = [(i, allocator) for i, allocator in enumerate(table.allocators)
               if any(table.ratio(row, allocator, "time_ms") > 0
                      for row in names)]
    if not columns:
        return None
    panels = []
    for title, figure in (("time", "time_ms"), ("peak memory", "rss_kib")):
        data = f"{name}-{figure}.dat"
        with open(os.path.join(folder, data), "w") as out:
            for row in names:
                ratios = (table.ratio(row, allocator, figure)
                          for _, allocator in columns)
                out.write(" ".join([f'"{row}"'] + [
                    "NaN" if math.isnan(r) else f"{r:.4f}" for r in ratios])
                    + "\n")
        panels.append(f"set ylabel '{title}, best peer = 1'\nplot "
                      + ", ".join(
                          f"'{data}' using {nth + 2}"
                          f"{':xtic(1)' if nth == 0 else ''} "
                          f"{labelled(i, allocator)}"
                          for nth, (i, allocator) in enumerate(columns)))
    return gnuplot(folder, name, f"""\
set multiplot layout 2,1
set style data histograms
set style histogram clustered gap 1.5
set style fill solid 0.9
set boxwidth 1
set logscale y 2
set yrange [0.5:16]
set xtics rotate by -35
set arrow from graph 0, first 1 to graph 1, first 1 nohead lc 'black'
{panels[0]}
{panels[1]}
unset multiplot
""", size="1200,900")


def growth(folder, table, family, memory):
    """How one figure grows with a number: a line for each allocator."""
    name = f"{family.name}-{'memory' if memory else 'cost'}"
    plots = []
    for i, allocator in enumerate(table.allocators):
        points = table.growth(family, allocator, memory)
        if not points:
            continue
        data = f"{name}-{allocator}.dat"
        with open(os.path.join(folder, data), "w") as out:
            out.writelines(f"{number} {figure:.3f}\n"
                           for number, figure in points)
        plots.append(f"'{data}' with linespoints lw 2 pt 7 ps 0.5 "
                     f"{labelled(i, allocator)}")
    if not plots:
        return None
    return gnuplot(folder, name, f"""\
set logscale xy
set xlabel '{family.number}'
set ylabel '{family.memory if memory else family.cost}'
plot {', '.join(plots)}
""")


def read_middle_runs(folder, name, columns):
    """{(row, allocator): [figures]} of the middle run of each."""
    found = {}
    with open(os.path.join(folder, name), newline="") as lines:
        for line in csv.DictReader(lines):
            key = line["row"], line["allocator"]
            figures = tuple(line[c] for c in columns)
            found.setdefault(key, {}).setdefault(
                int(line["run"]), []).append(figures)
    return {key: runs[sorted(runs)[len(runs) // 2]]
            for key, runs in found.items()}


def curve(folder, table, curves, row, call):
    """The share of calls that take longer than so many cycles."""
    name = f"{row}-{call}"
    plots = []
    for i, allocator in enumerate(table.allocators):
        points = [(int(cycles), int(calls)) for kind, cycles, calls
                  in curves.get((row, allocator), ()) if kind == call]
        if not points:
            continue
        data = f"{name}-{allocator}.dat"
        total = points[-1][1]
        with open(os.path.join(folder, data), "w") as out:
            for cycles, calls in points:
                if calls < total:
                    out.write(f"{cycles} {1 - calls / total:.9f}\n")
            out.write(f"{points[-1][0]} {0.5 / total:.9f}\n")
        plots.append(f"'{data}' with lines lw 2 {labelled(i, allocator)}")
    if not plots:
        return None
    return gnuplot(folder, name, f"""\
set logscale xy
set grid xtics lc '#dddddd'
set xlabel 'cycles of one {call}'
set ylabel 'share of calls that took longer'
set format y '10^{{%L}}'
plot {', '.join(plots)}
""")


def over_time(folder, table, samples, row):
    """Resident size while a program runs, and what of it is live."""
    plots = []
    for i, allocator in enumerate(table.allocators):
        points = samples.get((row, allocator))
        if not points:
            continue
        data = f"{row}-{allocator}.dat"
        with open(os.path.join(folder, data), "w") as out:
            end = float(points[-1][0]) or 1
            out.writelines(f"{float(ms) / end:.5f} {int(live) / 1024:.2f} "
                           f"{int(rss) / 1024:.2f}\n"
                           for ms, live, rss in points)
        if not plots:
            plots.append(f"'{data}' using 1:2 with filledcurves y1=0 "
                         "fc rgb '#dddddd' title 'live'")
        plots.append(f"'{data}' using 1:3 with lines lw 2 "
                     f"{labelled(i, allocator)}")
    if not plots:
        return None
    return gnuplot(folder, row + "-memory", f"""\
set xlabel 'share of the run'
set ylabel 'resident MiB'
set yrange [0:*]
plot {', '.join(plots)}
""")


def draw(folder, table):
    """Returns [(title, svg text)]; nothing when gnuplot is missing."""
    if not shutil.which("gnuplot"):
        print("bench: no plots, gnuplot is missing", file=sys.stderr)
        return []
    curves = read_middle_runs(folder, "curves.csv",
                              ("call", "cycles", "calls"))
    samples = read_middle_runs(folder, "samples.csv",
                               ("ms", "live_kib", "rss_kib"))
    found = [(f"Time and peak memory: {title}",
              bars(folder, table, f"bars-{name}", groups))
             for title, name, groups in (
                 ("one thread", "one", (rows.ONE,)),
                 ("threads, and memory given back", "many",
                  (rows.MANY, rows.MEMORY)),
                 ("real programs", "programs", (rows.PROGRAMS,)),
                 ("others", "extra", (rows.EXTRA,)))]
    for row in table.special_rows():
        found += [(f"Latency of {call}: {row}",
                   curve(folder, table, curves, row, call))
                  for call in ("malloc", "free")]
        found.append((f"Memory over time: {row}",
                      over_time(folder, table, samples, row)))
    for family in rows.GROWTHS:
        found += [(f"{'Memory' if memory else 'Cost'} by {family.number}",
                   growth(folder, table, family, memory))
                  for memory in ((False, True) if family.memory
                                 else (False,))]
    return [(title, svg) for title, svg in found if svg]
