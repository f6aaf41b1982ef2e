# figures.awk: what bench.exe measured, as tables of Markdown.
#
#   awk -f figures.awk bench.tsv

BEGIN { FS = "\t" }

$1 == "where" { where = $2 }

$1 == "rounds" { add("rounds", "measured | rounds", $2 " | " $3) }

$1 == "latency" {
	add("one spawn, " $2 ($2 == 1 ? " handle" : " handles"),
	    "way | ms to the child's exit | of direct | ms to its handle | of direct",
	    $3 " | " $4 " | " ratio(5) " | " (NF > 8 ? $8 " | " ratio(9) : " | "))
}

$1 == "throughput" {
	add("children a second", "threads | way | children a second | of a handle list", \
	    $2 " | " $3 " | " $4 " | " ratio(5))
}

$1 == "leaks" {
	add("unintended handles", "way | in own children | in those of a foreign thread",
	    sprintf("%s | %d in %d of %d | %d in %d of %d", $2, $3, $4, $5, $6, $7, $8))
}

$1 == "curve" { add("curves", "by | way | at | ms, median | rounds", $2 " | " $3 " | " $4 " | " $5 " | " $6) }

$1 == "memory" { add("memory", "process | KiB private | more than one that does nothing", $2 " | " $3 " | " $4) }

$1 == "file" { add("files", "file | bytes", $2 " | " $3) }

$1 == "requests" { add("requests to wineserver", "way | requests", $2 " | " $3) }

$1 == "refused" { refused = $2 }

END {
	printf "\nMeasured with %s; %d starts were refused by the system and done again.\n", where, refused
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

function ratio(field) { return sprintf("%.2f [%.2f-%.2f]", $field, $(field + 1), $(field + 2)) }
