# SPDX-License-Identifier: GPL-2.0-only
"""Pictures of results, drawn by gnuplot as SVG."""

from lab import run

HEAD = """
set terminal svg size {width},{height} dynamic background rgb 'white' font 'sans-serif,12'
set output '{path}'
set title {title}
set grid ytics linecolor rgb '#d8d8d8'
set border 3 linecolor rgb '#808080'
set tics nomirror
set key outside top center horizontal
set style line 1 linecolor rgb '#1a73b8' linewidth 3 pointtype 7
set style line 2 linecolor rgb '#555555' linewidth 2 pointtype 5
set style line 3 linecolor rgb '#c8571b' linewidth 2 pointtype 9
set style line 4 linecolor rgb '#2b8a57' linewidth 2 pointtype 11
set style line 5 linecolor rgb '#a0478a' linewidth 2 pointtype 13
set style line 6 linecolor rgb '#b59b12' linewidth 2 pointtype 4
set style line 7 linecolor rgb '#6b7fd1' linewidth 2 pointtype 6
set style line 8 linecolor rgb '#c25b78' linewidth 2 pointtype 8
set style increment userstyles
"""


def quoted(text):
    """A gnuplot string that is taken as it stands; lines are kept."""
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("_", "\\\\_").replace("\n", "\\n")
    return f'"{text}"'


def draw(path, title, lines, width=900, height=460):
    head = HEAD.format(path=path, title=quoted(title), width=width, height=height)
    run(["gnuplot"], stdin=head + "\n".join(lines) + "\n")


def draw_curves(path, title, xlabel, ylabel, curves):
    """@curves: points (x, median, min, max) by name; x logarithmic, and y where it spans decades."""
    blocks, plots = [], []
    medians = [point[1] for points in curves.values() for point in points]
    yscale = "set logscale y" if max(medians) > 20 * min(medians) else "set yrange [0:*]"
    for number, (name, points) in enumerate(curves.items()):
        rows = "\n".join("{} {} {} {}".format(*point) for point in sorted(points))
        blocks.append(f"$curve{number} << EOD\n{rows}\nEOD")
        plots.append(f"$curve{number} using 1:2:3:4 with yerrorlines linestyle {number + 1} title {quoted(name)}")
    draw(path, title, [*blocks, "set logscale x", yscale, f"set xlabel {quoted(xlabel)}",
                       f"set ylabel {quoted(ylabel)}", "set xrange [0.7:*]", "set format x '%.0s%c'", "set format y '%g'",
                       "plot " + ", \\\n ".join(plots)])


def draw_bars(path, title, ylabel, groups, names, values, logarithmic=False):
    """Bars of @names within each of @groups; @values by (group, name), None where there is none."""
    rows = [" ".join([quoted(group), *(str(values.get((group, name), "NaN")) for name in names)]) for group in groups]
    columns = [f"$data using {number + 2}:xtic(1) linestyle {number + 1} title {quoted(name)}"
               for number, name in enumerate(names)]
    scale = "set logscale y" if logarithmic else "set yrange [0:*]"
    draw(path, title, ["$data << EOD", *rows, "EOD", "set style data histogram", "set style histogram cluster gap 1",
                       "set style fill solid 0.85 noborder", scale, f"set ylabel {quoted(ylabel)}",
                       "set xtics font ',10'", "set bmargin 5", "plot " + ", \\\n ".join(columns)], width=1100)
