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
