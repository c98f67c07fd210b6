# The public functions that a C header (or a SYNOPSIS without its markup) declares: one per line, "name<tab>prototype",
# with comments, attributes and bodies left out and white space made uniform, so that two sources can be compared.
{
	sub(/^[ \t]*#.*/, "")
	text = text " " $0
}

# The first (...) that follows after `name` is cut out, with what is nested in it.
function cut_call(s, name,   at, i, depth, c) {
	while ((at = index(s, name)) > 0) {
		depth = 0
		for (i = at + length(name); i <= length(s); i++) {
			c = substr(s, i, 1)
			if (c == "(")
				depth++
			else if (c == ")" && --depth == 0)
				break
		}
		s = substr(s, 1, at - 1) substr(s, i + 1)
	}
	return s
}

function statement(s,   name) {
	s = cut_call(s, "__attribute__")
	gsub(/(static|extern) +/, "", s)
	gsub(/inline +/, "", s)
	gsub(/[ \t]+/, " ", s)
	gsub(/^ | $/, "", s)
	gsub(/ *, */, ", ", s)
	gsub(/ *\( */, "(", s)
	gsub(/ *\) */, ")", s)
	if (s !~ /^[^(]*[ *]gr_[a-z0-9_]+\(/ || s ~ /^typedef /)
		return 0
	name = s
	sub(/\(.*/, "", name)
	sub(/.*[ *]/, "", name)
	print name "\t" s
	return 1
}

END {
	while ((at = index(text, "/*")) > 0) {
		rest = substr(text, at + 2)
		text = substr(text, 1, at - 1) " " substr(rest, index(rest, "*/") + 2)
	}
	gsub(/extern "C" *[{]/, "", text)
	depth = 0
	current = ""
	n = length(text)
	for (i = 1; i <= n; i++) {
		c = substr(text, i, 1)
		if (c == "{") {
			if (depth++ == 0 && statement(current))
				current = ""
		} else if (c == "}") {
			if (depth > 0)
				depth--
		} else if (c == ";" && depth == 0) {
			statement(current)
			current = ""
		} else if (depth == 0) {
			current = current c
		}
	}
}
