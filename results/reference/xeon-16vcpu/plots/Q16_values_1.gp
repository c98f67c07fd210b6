# Run 20261127T191314Z-vm, switchyard run --seed 7 --budget 530s -q
# Seed 0000000000000007, commit 7404c1566a6b without uncommitted changes.
# eventloop: SHA-256 d3920aad90a42f49226b60bf570b4dd1464bae802f324ecfccbbc96ac70cec8b
# gmp: SHA-256 1565ac7212f7caf192f1c93aa08b56528f715e17adcc9d1ff4e8082208dbecc7
# null: SHA-256 50f44c67f22e3bf9c3a5d4fde8bc768fd5c5ea0f207977b507214214dc73db48
# pthread: SHA-256 ce9bb61eba35926fc9259a9541008705db133f9ea0d3bbd7720944fd11dfe466
# serial: SHA-256 fadb70c6aef3dd6f5d27316ade8b0ae974384c3e1ba2106058ac284d4ba7efae
# gmp+runnext=0: SHA-256 1565ac7212f7caf192f1c93aa08b56528f715e17adcc9d1ff4e8082208dbecc7
# gmp+spin=0: SHA-256 1565ac7212f7caf192f1c93aa08b56528f715e17adcc9d1ff4e8082208dbecc7
# gmp+steal=0: SHA-256 1565ac7212f7caf192f1c93aa08b56528f715e17adcc9d1ff4e8082208dbecc7
# gmp+newest=0: SHA-256 1565ac7212f7caf192f1c93aa08b56528f715e17adcc9d1ff4e8082208dbecc7
# gmp+global=1: SHA-256 1565ac7212f7caf192f1c93aa08b56528f715e17adcc9d1ff4e8082208dbecc7
# gmp+preempt=0: SHA-256 1565ac7212f7caf192f1c93aa08b56528f715e17adcc9d1ff4e8082208dbecc7
# pthread+pool=2: SHA-256 ce9bb61eba35926fc9259a9541008705db133f9ea0d3bbd7720944fd11dfe466
# gmp+procs=1: SHA-256 1565ac7212f7caf192f1c93aa08b56528f715e17adcc9d1ff4e8082208dbecc7
# gmp+procs=4: SHA-256 1565ac7212f7caf192f1c93aa08b56528f715e17adcc9d1ff4e8082208dbecc7
# gmp+procs=8: SHA-256 1565ac7212f7caf192f1c93aa08b56528f715e17adcc9d1ff4e8082208dbecc7
# pthread+pool=1: SHA-256 ce9bb61eba35926fc9259a9541008705db133f9ea0d3bbd7720944fd11dfe466
# pthread+pool=8: SHA-256 ce9bb61eba35926fc9259a9541008705db133f9ea0d3bbd7720944fd11dfe466
# gmp+max_ms=8: SHA-256 1565ac7212f7caf192f1c93aa08b56528f715e17adcc9d1ff4e8082208dbecc7
# gmp+max_ms=32: SHA-256 1565ac7212f7caf192f1c93aa08b56528f715e17adcc9d1ff4e8082208dbecc7
# gmp+reap_ms=200: SHA-256 1565ac7212f7caf192f1c93aa08b56528f715e17adcc9d1ff4e8082208dbecc7
# gmp+reap_ms=0: SHA-256 1565ac7212f7caf192f1c93aa08b56528f715e17adcc9d1ff4e8082208dbecc7
# Q16: CPUs of two that are busy, by GOMAXPROCS
# Draw again with: gnuplot Q16_values_1.gp
id = "Q16_values_1"
dat = "Q16_values_1.dat"
caption = "Q16: CPUs of two that are busy, by GOMAXPROCS"
series = 1
legend_most = 150
title_1 = "gmp"
colors = "#0072B2"
points = "7"
set ytics ()
set ytics add ("ours, at 1"."\n"."1.012 [1.008, 1.024]" 0)
set ytics add ("ours, at 2"."\n"."1.991 [1.945, 2.000]" 2)
set ytics add ("ours, at 8"."\n"."1.989 [1.979, 1.997]" 4)
set xtics ("0" 0, "0.5" 0.5, "1" 1, "1.5" 1.5, "2" 2)
value_label = "number"
x_min = 0
x_max = 2.11966207
x_log = 0
y_max = 6
canvas_w = 880
canvas_h = 286
label_w = 180
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
