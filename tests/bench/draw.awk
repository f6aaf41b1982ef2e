# draw.awk: the picture of what bench.exe wrote with --data.
#
#   awk -f draw.awk bench.tsv >bench.svg

BEGIN {
	FS = "\t"
	WIDTH = 880
	color["direct"] = "#9aa5b1"
	color["direct, handle list"] = "#52606d"
	color["direct, under a lock"] = "#cbd2d9"
	color["suspended stub as parent"] = "#cbd2d9"
	color["floor: a helper and the child"] = "#9aa5b1"
	color["handoff, one-shot"] = "#e8833a"
	color["handoff, resident"] = "#2172b4"
	color["handoff_CreateProcessW"] = "#2172b4"
	color["handoff.exe --parent --report"] = "#f2b78a"
	color["handoff.exe --parent --copy"] = "#f2b78a"
	color["handoff.exe"] = "#f2b78a"
}

$1 == "latency" && $2 == 1 {
	row[rows++] = $3
	exit_ms[$3] = $4; exit_ratio[$3] = $5; exit_low[$3] = $6; exit_high[$3] = $7
	if (NF > 7) {
		held_ms[$3] = $8; held_ratio[$3] = $9; held_low[$3] = $10; held_high[$3] = $11
	}
}

$1 == "throughput" {
	rate[$2, $3] = $4
	if (!($3 in ways_seen)) { ways_seen[$3] = 1; way[ways++] = $3 }
	if (!($2 in threads_seen)) { threads_seen[$2] = 1; threads[groups++] = $2 }
	if ($4 > most_rate) most_rate = $4
}

$1 == "leaks" {
	leak[leaks++] = $2
	own[$2] = 1000 * $3 / $5
	foreign[$2] = $8 > 0 ? 1000 * $6 / $8 : 0
}

$1 == "curve" {
	n = points[$2, $3]++
	at_x[$2, $3, n] = $4; at_y[$2, $3, n] = $5
	if ($4 > most_x[$2]) most_x[$2] = $4
	if ($5 > most_y[$2]) most_y[$2] = $5
	if (!(($2, $3) in line_seen)) { line_seen[$2, $3] = 1; line[$2, lines[$2]++] = $3 }
}

END {
	height = 40 + 24 * rows + 60 + 250 + 3 * 230
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" ", WIDTH, height, WIDTH, height
	print "font-family=\"sans-serif\" font-size=\"12\" fill=\"#1f2933\">"
	rect(0, 0, WIDTH, height, "#ffffff")
	y = draw_latency(30)
	draw_throughput(30, y + 40, 380, 150)
	draw_leaks(470, y + 40, 380)
	y += 290
	draw_curve("handles", "handles passed", 40, y, 370, 150)
	draw_curve("line", "characters of command line", 480, y, 370, 150)
	draw_curve("table", "handles open in the parent", 40, y + 225, 370, 150)
	draw_curve("environment", "variables set, in falling order", 480, y + 225, 370, 150)
	draw_curve("spawns", "spawns on one resident launcher", 40, y + 450, 370, 150)
	print "</svg>"
}

function text(x, y, anchor, what) {
	printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, what
}

function title(x, y, what) {
	printf "<text x=\"%.1f\" y=\"%.1f\" font-weight=\"bold\">%s</text>\n", x, y, what
}

function rect(x, y, w, h, fill) {
	printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, y, w, h, fill
}

function stroke(x, y, to_x, to_y, paint) {
	printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x, y, to_x, to_y, paint
}

# A bar with its quartiles.
function bar(x, y, scale, value, low, high, ms, fill) {
	rect(x, y - 11, value * scale, 14, fill)
	stroke(x + low * scale, y - 4, x + high * scale, y - 4, "#1f2933")
	text(x + (high > value ? high : value) * scale + 6, y, "start", sprintf("%.2f  (%.1f ms)", value, ms))
}

function most(values, names, count,    i, top) {
	for (i = 0; i < count; i++)
		if (values[names[i]] > top) top = values[names[i]]
	return top > 0 ? top : 1
}

function draw_latency(y,    i, exit_scale, held_scale, name) {
	title(30, y, "One spawn with one handle, as a multiple of a direct CreateProcessW (median, quartiles)")
	y += 24
	text(230, y, "start", "until the child has ended")
	text(560, y, "start", "until the parent has the child&apos;s handle")
	exit_scale = 190 / most(exit_high, row, rows)
	held_scale = 190 / most(held_high, row, rows)
	for (i = 0; i < rows; i++) {
		y += 24
		name = row[i]
		text(220, y, "end", name)
		bar(230, y, exit_scale, exit_ratio[name], exit_low[name], exit_high[name], exit_ms[name], color[name])
		if (name in held_ms)
			bar(560, y, held_scale, held_ratio[name], held_low[name], held_high[name], held_ms[name], color[name])
	}
	return y
}

function draw_throughput(x, y, w, h,    g, i, group, x_bar, tall) {
	title(x, y, "Children a second, by threads (1: on one processor)")
	y += 20 + h
	group = w / groups
	for (g = 0; g < groups; g++) {
		for (i = 0; i < ways; i++) {
			tall = h * rate[threads[g], way[i]] / most_rate
			x_bar = x + g * group + i * 15
			rect(x_bar, y - tall, 13, tall, color[way[i]])
			printf "<text font-size=\"8\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.0f</text>\n", x_bar + 6.5, y - tall - 2, rate[threads[g], way[i]]
		}
		text(x + g * group + 37, y + 15, "middle", threads[g])
	}
	stroke(x, y, x + w, y, "#9aa5b1")
	for (i = 0; i < ways; i++)
		key(x + (i % 3) * 135, y + 34 + 16 * int(i / 3), way[i])
}

function key(x, y, name) {
	rect(x, y - 9, 10, 10, color[name])
	text(x + 14, y, "start", name)
}

function draw_leaks(x, y, w,    i) {
	title(x, y, "Unintended handles in 1,000 children")
	y += 24
	text(x + 270, y, "end", "own children")
	text(x + 370, y, "end", "foreign children")
	for (i = 0; i < leaks; i++) {
		y += 24
		rect(x, y - 10, 10, 10, color[leak[i]])
		text(x + 16, y, "start", leak[i])
		text(x + 270, y, "end", sprintf("%.0f", own[leak[i]]))
		text(x + 370, y, "end", sprintf("%.0f", foreign[leak[i]]))
	}
}

function nice(value,    unit) {
	for (unit = 1; value / unit > 10; unit *= 10);
	return value / unit <= 2 ? 2 * unit : value / unit <= 5 ? 5 * unit : 10 * unit
}

function draw_curve(curve, name, x, y, w, h,    i, j, top, right, series, path) {
	title(x, y, "ms to the child&apos;s exit, by " name)
	y += 20
	top = nice(most_y[curve])
	right = most_x[curve]
	for (i = 0; i <= 2; i++) {
		stroke(x, y + h - i * h / 2, x + w, y + h - i * h / 2, "#e4e7eb")
		text(x - 5, y + h - i * h / 2 + 4, "end", top * i / 2)
		text(x + i * w / 2, y + h + 16, i == 0 ? "start" : i == 1 ? "middle" : "end", int(right * i / 2))
	}
	for (i = 0; i < lines[curve]; i++) {
		series = line[curve, i]
		path = ""
		for (j = 0; j < points[curve, series]; j++)
			path = path sprintf("%.1f,%.1f ", x + w * at_x[curve, series, j] / right, y + h - h * at_y[curve, series, j] / top)
		printf "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"%s\"/>\n", color[series], path
		key(x + i * 135, y + h + 34, series)
	}
}
