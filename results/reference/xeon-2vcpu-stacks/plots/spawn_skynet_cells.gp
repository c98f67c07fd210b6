# Run 20261127T225307Z-vm, switchyard run --plan stacks -q --seed 0x51075bcd28c39ea6
# Seed 51075bcd28c39ea6, commit 76c84f1e0832 without uncommitted changes.
# gmp: SHA-256 b5f3ae2d36ee5098d0fedc1e80193e9f37b42fc502eee0fa269f2fdf8ad7e85e
# gmp-grow: SHA-256 a9086e51b5bc6640b425e1144ce98648319ebc49e342ab76c88082114a74a1a1
# go: SHA-256 e8236dd5e47e334da405f66a9570f7ac89a9d2154473130182573985b07879d1
# gmp-grow+grow=0: SHA-256 a9086e51b5bc6640b425e1144ce98648319ebc49e342ab76c88082114a74a1a1
# spawn/skynet: time per operation
# Draw again with: gnuplot spawn_skynet_cells.gp
id = "spawn_skynet_cells"
dat = "spawn_skynet_cells.dat"
caption = "spawn/skynet: time per operation"
series = 4
legend_most = 177
title_1 = "gmp"
title_2 = "go"
title_3 = "gmp-grow"
title_4 = "gmp-grow+grow=0"
colors = "#0072B2 #56B4E9 #CC79A7 #E69F00"
points = "7 11 6 4"
set ytics ("leaves=100000 same w1" 1.5)
set xtics ("100 ns" 100, "200 ns" 200, "500 ns" 500, "1 us" 1000, "2 us" 2000)
value_label = "time per operation (lower is better; logarithmic)"
x_min = 63.5049923
x_max = 2780.13241
x_log = 1
y_max = 3.9
canvas_w = 880
canvas_h = 198
label_w = 209
# Dots with intervals, one row per model in each cell: the comparison chart of a workload.
#
# This is the body; the lines before it (written by harness/report/plots.c) set
#   id, dat         names of the output (without suffix) and of the data
#   caption         the title
#   value_label     what the x axis is
#   series, title_1, title_2...       number of models, and their names
#   legend_most                       as wide as an entry of the legend wants to be
#   colors, points                    their colours and point types, blank-separated
#   x_min, x_max, y_max, x_log, canvas_w, canvas_h, label_w
# and the tics of both axes. Data: one block per model, rows "y median low high".
# Before it, targets = "svg" may ask for that alone.
if (!exists("targets")) { targets = "svg png" }
svg_font = "sans-serif,14"
png_font = "DejaVu Sans,11"
set border 1 lc rgb "#777777"
set tics nomirror
set grid xtics lt 1 lw 1 lc rgb "#d9d9d9"
set ytics scale 0
set xtics scale 0.6
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
set xlabel value_label noenhanced
set yrange [y_max:-0.9]
set xrange [x_min:x_max]
if (x_log) { set logscale x 10 }
set lmargin at screen (label_w / (1.0 * canvas_w))
set rmargin 3
set style data xerrorbars
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
	plot for [i = 1:series] dat index (i - 1) using 2:1:3:4 lw 2 ps size pt (int(word(points, i))) \
		lc rgb word(colors, i) notitle
	unset output
}
