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
# Q08: a goroutine's hop from its parts
# Draw again with: gnuplot Q08_values_3.gp
id = "Q08_values_3"
dat = "Q08_values_3.dat"
caption = "Q08: a goroutine's hop from its parts"
series = 1
legend_most = 150
title_1 = "gmp"
colors = "#0072B2"
points = "7"
set xtics ("0" 0, "10 ns" 10, "20 ns" 20, "30 ns" 30)
set ytics ()
set ytics add ("goroutines: the whole hop"."\n"."27 ns [20, 33]" 8)
set ytics add ("swap of registers and stack"."\n"."3.57 ns [3.31, 4.09]" 0)
set ytics add ("run queue: put first, taken next"."\n"."5.0 ns [3.4, 5.9]" 2)
set ytics add ("goroutines' channel, nobody waits"."\n"."17.6 ns [14.9, 19.4]" 4)
set ytics add ("left over: parking, what binds them"."\n"."3.7 ns [-8.4, 8.4]" 6)
value_label = "time"
x_min = 0
x_max = 36.7154189
y_max = 10
canvas_w = 880
canvas_h = 390
label_w = 300
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
