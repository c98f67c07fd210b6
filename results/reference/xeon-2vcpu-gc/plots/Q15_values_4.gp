# Run 20261127T225744Z-vm, switchyard run --question Q15,Q16,Q19 -q --seed 0xf74781c5db016e0e
# Seed f74781c5db016e0e, commit 76c84f1e0832 without uncommitted changes.
# eventloop: SHA-256 e0e808a2c4aa65f26966f66a266afa9610f07d505cad77ee4244c3bc2871aeac
# gmp: SHA-256 b5f3ae2d36ee5098d0fedc1e80193e9f37b42fc502eee0fa269f2fdf8ad7e85e
# go: SHA-256 e8236dd5e47e334da405f66a9570f7ac89a9d2154473130182573985b07879d1
# pthread: SHA-256 e32baceb4a4ac19df6d71fc1902bcc45ce2ab63491f94810ac5f42bef44b7104
# serial: SHA-256 cb1b650096410186e43583dba54ba9215ece16a1c939a6c92eb705fc3e029dd5
# gmp+procs=1: SHA-256 b5f3ae2d36ee5098d0fedc1e80193e9f37b42fc502eee0fa269f2fdf8ad7e85e
# gmp+procs=8: SHA-256 b5f3ae2d36ee5098d0fedc1e80193e9f37b42fc502eee0fa269f2fdf8ad7e85e
# go+gomaxprocs=1: SHA-256 e8236dd5e47e334da405f66a9570f7ac89a9d2154473130182573985b07879d1
# go+gomaxprocs=8: SHA-256 e8236dd5e47e334da405f66a9570f7ac89a9d2154473130182573985b07879d1
# go+gogc=off: SHA-256 e8236dd5e47e334da405f66a9570f7ac89a9d2154473130182573985b07879d1
# Q15: Go: the collector's time for each goroutine that stays
# Draw again with: gnuplot Q15_values_4.gp
id = "Q15_values_4"
dat = "Q15_values_4.dat"
caption = "Q15: Go: the collector's time for each goroutine that stays"
series = 1
legend_most = 150
title_1 = "go"
colors = "#56B4E9"
points = "11"
set xtics (1000, 10000, 100000)
set ytics ("0" 0, "1 us" 1000, "2 us" 2000, "3 us" 3000)
axis_label = "goroutines"
value_label = "time"
x_log = 1
x_min = 769.230769
x_max = 130000
y_min = 0
y_max = 3859.98989
y_log = 0
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
