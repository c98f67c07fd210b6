# Run 20261127T224947Z-vm, switchyard run --subjects all -q --seed 0x82357194c1452c79
# Seed 82357194c1452c79, commit 76c84f1e0832 without uncommitted changes.
# boost-fiber: SHA-256 aba255805c71dd280c4fa2ba1d633b763117186907ef6e3210c7d61e691abf7f
# eventloop: SHA-256 e0e808a2c4aa65f26966f66a266afa9610f07d505cad77ee4244c3bc2871aeac
# gmp: SHA-256 b5f3ae2d36ee5098d0fedc1e80193e9f37b42fc502eee0fa269f2fdf8ad7e85e
# gmp-grow: SHA-256 a9086e51b5bc6640b425e1144ce98648319ebc49e342ab76c88082114a74a1a1
# go: SHA-256 e8236dd5e47e334da405f66a9570f7ac89a9d2154473130182573985b07879d1
# libuv: SHA-256 2e2322f1ce6b01eb806fdc8f24c7ad3e8214d84e078fba65464b28ab9bf9ee55
# pthread: SHA-256 e32baceb4a4ac19df6d71fc1902bcc45ce2ab63491f94810ac5f42bef44b7104
# serial: SHA-256 cb1b650096410186e43583dba54ba9215ece16a1c939a6c92eb705fc3e029dd5
# state-threads: SHA-256 5fd8f803c6ab44a24d7876a3c17ef409eb2709e10631d416a73ff5724f76e1d2
# tbb: SHA-256 67c13df2dff04a8b4b495af02e9be5f9c637bfe72d64f6acb7cd9f6a6c11a7d0
# cpu/fib: time per operation
# Draw again with: gnuplot cpu_fib_cells.gp
id = "cpu_fib_cells"
dat = "cpu_fib_cells.dat"
caption = "cpu/fib: time per operation"
series = 10
legend_most = 159
title_1 = "gmp"
title_2 = "pthread"
title_3 = "eventloop"
title_4 = "go"
title_5 = "boost-fiber"
title_6 = "gmp-grow"
title_7 = "libuv"
title_8 = "state-threads"
title_9 = "tbb"
title_10 = "serial (bare)"
colors = "#0072B2 #D55E00 #009E73 #56B4E9 #CC79A7 #E69F00 #A6761D #7A5195 #CC79A7 #999999"
points = "7 5 9 11 6 4 8 10 14 13"
set ytics ("n=32 cutoff=20 same w1" 4.5)
set xtics ("0" 0, "50 us" 50000, "100 us" 100000)
value_label = "time per operation (lower is better)"
x_min = 0
x_max = 124784.211
x_log = 0
y_max = 9.9
canvas_w = 880
canvas_h = 300
label_w = 218
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
