# figures.awk: what bench.exe measured, as tables of Markdown.
#
#   awk -f figures.awk bench.tsv

BEGIN {
	FS = "\t"
	title["numbers"] = "what a kept number adds to the exit, in ms, by the number"
	title["handles"] = "the child's exit, in ms, by handles passed"
	title["line"] = "the child's exit, in ms, by characters of command line"
	title["table"] = "the child's exit, in ms, by handles open in the parent"
	title["environment"] = "the child's exit, in ms, by variables set, in falling order"
	title["spawns"] = "the child's exit, in ms, by spawns on one resident launcher"
}

$1 == "where" { where = $2 }

$1 == "rounds" { add("rounds", "measured | rounds", $2 " | " $3) }

$1 == "latency" {
	add("one spawn, " $2 ($2 == 1 ? " handle" : " handles"),
	    "way | ms to the child's exit | of direct | ms to its handle | of direct",
	    $3 " | " ms($4) " | " ratio(5) " | " (NF > 8 ? ms($8) " | " ratio(9) : " | "))
}

$1 == "throughput" {
	add("children a second", "threads | way | children a second | of a handle list", \
	    $2 " | " $3 " | " $4 " | " ratio(5))
}

$1 == "leaks" {
	add("unintended handles", "way | in own children | in those of a foreign thread",
	    sprintf("%s | %d in %d of %d | %d in %d of %d", $2, $3, $4, $5, $6, $7, $8))
}

$1 == "curve" { add_point($2, $3, $4, $5, $6) }

$1 == "memory" { add("memory", "process | KiB private | more than one that does nothing", $2 " | " $3 " | " $4) }

$1 == "file" { add("files", "file | bytes", $2 " | " $3) }

$1 == "requests" { add("requests to wineserver", "way | requests", $2 " | " $3) }

$1 == "refused" { refused = $2 }

END {
	printf "\nMeasured with %s; %d starts were refused by the system and done again.\n", where, refused
	for (i = 0; i < curves; i++) add_curve(curve_names[i])
	for (i = 0; i < tables; i++) print_table(names[i])
}

# A row of a table, which is made with its first row.
function add(table, head, row) {
	if (!(table in count)) {
		names[tables++] = table
		heads[table] = head
	}
	rows[table, count[table]++] = row
}

function print_table(table,    i, rule) {
	rule = heads[table]
	gsub(/[^|]+/, " --- ", rule)
	printf "\n### %s%s\n\n| %s |\n|%s|\n", toupper(substr(table, 1, 1)), substr(table, 2), heads[table], rule
	for (i = 0; i < count[table]; i++) print "| " rows[table, i] " |"
}

# Of a curve, a row is a point and a column a way.
function add_point(curve, way, x, value, rounds) {
	if (!(curve in columns)) curve_names[curves++] = curve
	if (!((curve, way) in cells)) column[curve, columns[curve]++] = way
	if (!((curve, x) in cells)) point[curve, points[curve]++] = x
	cells[curve, way] = cells[curve, x] = 1
	cells[curve, x, way] = ms(value)
	taken[curve, x] = rounds
}

function add_curve(curve,    i, k, head, row) {
	for (i = 0; i < columns[curve]; i++) head = head " | " column[curve, i]
	for (i = 0; i < points[curve]; i++) {
		row = point[curve, i]
		for (k = 0; k < columns[curve]; k++) row = row " | " cells[curve, point[curve, i], column[curve, k]]
		add(title[curve], "at" head " | rounds", row " | " taken[curve, point[curve, i]])
	}
}

function ms(value) { return sprintf("%.2f", value) }

function ratio(field) { return sprintf("%.2f [%.2f-%.2f]", $field, $(field + 1), $(field + 2)) }
