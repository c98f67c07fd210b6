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
# Q08: a goroutine's yield from its parts
# Draw again with: gnuplot Q08_values_2.gp
id = "Q08_values_2"
dat = "Q08_values_2.dat"
caption = "Q08: a goroutine's yield from its parts"
series = 1
legend_most = 150
title_1 = "gmp"
colors = "#0072B2"
points = "7"
set xtics ("0" 0, "5 ns" 5, "10 ns" 10, "15 ns" 15)
set ytics ()
set ytics add ("full yield of a goroutine"."\n"."13.7 ns [10.0, 14.8]" 6)
set ytics add ("swap of registers and stack"."\n"."3.57 ns [3.31, 4.09]" 0)
set ytics add ("run queue: to its end, next from the front"."\n"."5.6 ns [3.1, 5.8]" 2)
set ytics add ("left over: states, ticks, what binds them"."\n"."4.6 ns [1.3, 5.6]" 4)
value_label = "time"
x_min = 0
x_max = 15.6526178
y_max = 8
canvas_w = 880
canvas_h = 338
label_w = 356
# A whole and the parts that it is put together from: bars, each part begun where the one above it ends, then what is left over
# between their sum and the whole (hatched), then the whole.
#
# This is the body; the lines before it (written by harness/report/plots_question.c) set
#   id, dat, caption, value_label
#   colors          the colour of the model
#   x_min, x_max, y_max, canvas_w, canvas_h, label_w
# and the tics of both axes; targets = "svg" may ask for that alone. Data: three blocks (parts, rest, whole), rows "y from to low high".
if (!exists("targets")) { targets = "svg png" }
svg_font = "sans-serif,14"
png_font = "DejaVu Sans,11"
set border 1 lc rgb "#777777"
set tics nomirror
set grid xtics lt 1 lw 1 lc rgb "#d9d9d9"
set ytics scale 0
set xtics scale 0.6
unset key
set tmargin at screen (1 - 40.0 / canvas_h)
set label 1 caption at screen 0.5, screen (1 - 18.0 / canvas_h) center noenhanced
set tics textcolor rgb "#333333"
set xlabel value_label noenhanced
set yrange [y_max - 1:-1]
set xrange [x_min:x_max]
set lmargin at screen (label_w / (1.0 * canvas_w))
set rmargin 3
set bars small
left(a, b) = a < b ? a : b
right(a, b) = a < b ? b : a
do for [target in targets] {
	if (target eq "svg") {
		set terminal svg size canvas_w,canvas_h font svg_font noenhanced name id background "#ffffff"
	} else {
		if (strstrt(GPVAL_TERMINALS, "pngcairo") > 0) {
			set terminal pngcairo size canvas_w,canvas_h font png_font noenhanced
		} else {
			set terminal png size canvas_w,canvas_h noenhanced
		}
	}
	set output id . "." . target
	plot dat index 0 using (($2 + $3) / 2):1:(left($2, $3)):(right($2, $3)):($1 - 0.6):($1 + 0.6) with boxxyerror \
			fs solid 0.55 lw 1 lc rgb word(colors, 1) notitle, \
		dat index 1 using (($2 + $3) / 2):1:(left($2, $3)):(right($2, $3)):($1 - 0.6):($1 + 0.6) with boxxyerror \
			fs pattern 4 lw 1 lc rgb "#777777" notitle, \
		dat index 2 using (($2 + $3) / 2):1:(left($2, $3)):(right($2, $3)):($1 - 0.6):($1 + 0.6) with boxxyerror \
			fs solid 1.0 lw 1 lc rgb word(colors, 1) notitle, \
		for [i = 0:2] dat index i using 3:1:4:5 with xerrorbars ps 0 lw 2 lc rgb "#222222" notitle
	unset output
}
