# verdicts.awk: each target, kept or missed by its median, as a table of Markdown.
#
#   awk -f verdicts.awk bench.tsv

BEGIN { FS = "\t" }

$1 == "target" {
	kept = $6 == "at most" ? $3 <= $7 : $3 >= $7
	missed += !kept
	rows[count++] = row($2, number($3) " [" number($4) " to " number($5) "]", $6 " " $7 + 0, kept ? "kept" : "MISSED")
}

END {
	if (count == 0) exit
	print row("target", "median [quartiles]", "limit", "verdict")
	print "| --- | --- | --- | --- |"
	for (i = 0; i < count; i++) print rows[i]
	printf "\n%d targets kept, %d missed\n", count - missed, missed
}

function row(name, value, limit, verdict) {
	return sprintf("| %-70s | %-22s | %-13s | %-7s |", name, value, limit, verdict)
}

# A ratio has two places, a count none: it has a limit of none, or of ten and more.
function number(value) { return $7 == 0 || $7 >= 10 ? value + 0 : sprintf("%.2f", value) }
