# Run 20261127T225307Z-vm, switchyard run --plan stacks -q --seed 0x51075bcd28c39ea6
# Seed 51075bcd28c39ea6, commit 76c84f1e0832 without uncommitted changes.
# gmp: SHA-256 b5f3ae2d36ee5098d0fedc1e80193e9f37b42fc502eee0fa269f2fdf8ad7e85e
# gmp-grow: SHA-256 a9086e51b5bc6640b425e1144ce98648319ebc49e342ab76c88082114a74a1a1
# go: SHA-256 e8236dd5e47e334da405f66a9570f7ac89a9d2154473130182573985b07879d1
# gmp-grow+grow=0: SHA-256 a9086e51b5bc6640b425e1144ce98648319ebc49e342ab76c88082114a74a1a1
# S01: a call at some depth of the stack
# Draw again with: gnuplot S01_values_3.gp
id = "S01_values_3"
dat = "S01_values_3.dat"
caption = "S01: a call at some depth of the stack"
series = 3
legend_most = 177
title_1 = "gmp-grow"
title_2 = "gmp-grow+grow=0"
title_3 = "go"
colors = "#CC79A7 #E69F00 #56B4E9"
points = "6 4 11"
set xtics (0, 4, 8, 12, 16, 32)
set ytics ("2 ns" 2, "5 ns" 5, "10 ns" 10, "20 ns" 20, "50 ns" 50)
axis_label = "frames above it"
value_label = "time"
x_log = 0
x_min = -1.28
x_max = 33.28
y_min = 1.85930776
y_max = 53.1855209
y_log = 1
canvas_w = 880
canvas_h = 480
# Lines with intervals, one line per model: a metric against one parameter.
#
# This is the body; the lines before it (written by harness/report/plots.c) set
#   id, dat, caption, axis_label, value_label
#   series, title_1, title_2...       number of models, and their names
#   legend_most                       as wide as an entry of the legend wants to be
#   colors, points                    their colours and point types, blank-separated
#   x_min, x_max, y_min, y_max, x_log, y_log, canvas_w, canvas_h
# and the tics of both axes. Data: one block per model, rows "x median low high";
# a blank line breaks the line between two points.
# Before it, targets = "svg" may ask for that alone.
if (!exists("targets")) { targets = "svg png" }
svg_font = "sans-serif,14"
png_font = "DejaVu Sans,11"
set border 3 lc rgb "#777777"
set tics nomirror
set grid xtics ytics lt 1 lw 1 lc rgb "#d9d9d9"
set xtics scale 0.6
set ytics scale 0.6
# The legend is set by hand: gnuplot fits its own into the width of the graph and wraps it over the data.
unset key
# As many to a line as the longest name leaves room for: 9 units to a letter and 40 for the point and the gap.
longest = 0
do for [i = 1:series] { n = strlen(value(sprintf("title_%d", i))); if (n > longest) { longest = n } }
per_line = int((canvas_w - 40.0) / (9 * longest + 40))
if (per_line > series) { per_line = series }
if (per_line < 1) { per_line = 1 }
more_lines = (series - 1) / per_line
canvas_h = canvas_h + 18 * more_lines
legend_w = (canvas_w - 40.0) / per_line < legend_most ? (canvas_w - 40.0) / per_line : 1.0 * legend_most
if (legend_w < 9 * longest + 40) { legend_w = 9.0 * longest + 40 }
in_line(i) = (i - 1) / per_line < more_lines ? per_line : series - per_line * more_lines
legend_x(i) = 0.5 + (((i - 1) % per_line - (in_line(i) - 1) / 2.0) * legend_w - 30) / canvas_w
legend_y(i) = 1 - (46.0 + 18 * ((i - 1) / per_line)) / canvas_h
set tmargin at screen (1 - (66.0 + 18 * more_lines) / canvas_h)
set label 1 caption at screen 0.5, screen (1 - 18.0 / canvas_h) center noenhanced
set tics textcolor rgb "#333333"
set xlabel axis_label noenhanced
set ylabel value_label noenhanced offset -0.5,0
set xrange [x_min:x_max]
set yrange [y_min:y_max]
if (x_log) { set logscale x 10 }
if (y_log) { set logscale y 10 }
set rmargin 4
# Models at one value stand a little apart, so that their intervals do not hide each other.
apart(i) = (i - (series + 1) / 2.0) * 0.005
shift(i, x) = x_log ? x * exp(apart(i) * log(x_max / x_min)) : x + apart(i) * (x_max - x_min)
set bars small
do for [target in targets] {
	if (target eq "svg") {
		size = 0.7
		lower = -0.3 # beside a point this terminal sets text too high
		set terminal svg size canvas_w,canvas_h font svg_font noenhanced name id background "#ffffff"
	} else {
		size = 1.1
		lower = 0
		if (strstrt(GPVAL_TERMINALS, "pngcairo") > 0) {
			set terminal pngcairo size canvas_w,canvas_h font png_font noenhanced
		} else {
			set terminal png size canvas_w,canvas_h noenhanced
		}
	}
	set output id . "." . target
	do for [i = 1:series] {
		set label (i + 1) value(sprintf("title_%d", i)) at screen legend_x(i), screen legend_y(i) left \
			noenhanced offset 1,lower point pt (int(word(points, i))) ps size lc rgb word(colors, i)
	}
	plot for [i = 1:series] dat index (i - 1) using (shift(i, $1)):2:3:4 with yerrorlines lw 2 ps size \
		pt (int(word(points, i))) lc rgb word(colors, i) notitle
	unset output
}
