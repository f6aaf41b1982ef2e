# requests.awk: how many requests a spawn makes to wineserver, until whoever takes part has ended or waits again.
#
#   awk -f requests.awk TRACE      bench.exe's section requests has set its marks in it
#
# Each way is counted several times and its median taken, because now and then a process of Wine's own asks something.

/ open_event\( .*"handoff-bench: / {
	mark = $0
	sub(/.*handoff-bench: /, "", mark)
	sub(/".*/, "", mark)
	if (mark == "end") {
		add(way, requests)
	} else {
		way = mark
		requests = -1 # the mark itself is counted below
	}
}

# The thread's number, the name, the arguments. A reply has no blank behind the parenthesis.
/^[0-9a-f]+: [a-z0-9_]+\( / { requests++ }

END {
	for (i = 0; i < ways; i++) printf "requests\t%s\t%d\n", names[i], part(names[i], 1 / 2)
	target("resident, requests to wineserver more than direct", "handoff, resident", "direct", 27)
	target("one-shot, requests to wineserver more than its floor", "handoff, one-shot",
	    "floor: a helper and the child", 49)
}

# At its place among the others of its way.
function add(way, value,    i) {
	if (!(way in count)) names[ways++] = way
	for (i = count[way]++; i > 0 && sorted[way, i - 1] > value; i--)
		sorted[way, i] = sorted[way, i - 1]
	sorted[way, i] = value
}

function part(way, share) { return sorted[way, int(share * (count[way] - 1))] }

function target(name, way, base, most,    least) {
	least = part(base, 1 / 2)
	printf "target\t%s\t%d\t%d\t%d\tat most\t%d\n", name,
	    part(way, 1 / 2) - least, part(way, 1 / 4) - least, part(way, 3 / 4) - least, most
}
