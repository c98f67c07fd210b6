/*
 * filter.c - recursive descent over the text, straight into a tree; matching walks the tree.
 *
 * One function per grammar rule (filter.h). Numbers and regular expressions are checked while parsing, so that a
 * filter that parses cannot fail later.
 */
#include "harness/plan/filter.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/jsonx.h"

enum atom_kind { ATOM_WORD, ATOM_REGEX, ATOM_GE, ATOM_LE, ATOM_GT, ATOM_LT, ATOM_EQ };

struct atom {
	enum atom_kind kind;
	char *word; /* ATOM_WORD */
	int64_t number; /* comparisons */
	regex_t regex; /* ATOM_REGEX */
};

enum node_kind { NODE_OR, NODE_AND, NODE_NOT, NODE_TERM };

struct filter {
	enum node_kind kind;
	struct filter *a, *b; /* NODE_NOT uses a alone */
	char *key; /* NODE_TERM */
	struct atom *atoms; /* any of them */
	size_t n_atoms;
};

struct parser {
	const char *text, *at;
	const struct filter_key *params;
	size_t n_params;
	unsigned depth; /* of parentheses and negations: bounded, the parser recurses */
	struct err *err;
};

static const struct filter_key fixed_keys[] = {
	{"workload", false}, {"family", false}, {"subject", false}, {"placement", false},
	{"kind", false},     {"group", false},  {"workers", true},
};
enum { N_FIXED_KEYS = sizeof fixed_keys / sizeof *fixed_keys, MAX_DEPTH = 100 };

/* What regcomp() needs, in memory and in time, grows with the square where all is optional or empty. Names are shorter. */
enum { MAX_REGEX = 1000, BRANCH = 4 };

static struct filter *parse_or(struct parser *p);

static void skip_space(struct parser *p)
{
	while (isspace((unsigned char)*p->at))
		p->at++;
}

/* At the word `w`, followed by something that cannot continue a word. */
static bool at_word(const struct parser *p, const char *w)
{
	size_t n = strlen(w);

	return strncmp(p->at, w, n) == 0 && (p->at[n] == '\0' || isspace((unsigned char)p->at[n]) || p->at[n] == '(');
}

static void complain(struct parser *p, const char *what)
{
	err_set(p->err, 0, "filter: %s at character %zu of '%.200s'", what, (size_t)(p->at - p->text) + 1, p->text);
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	filter_free(f->a);
	filter_free(f->b);
	for (size_t i = 0; i < f->n_atoms; i++) {
		free(f->atoms[i].word);
		if (f->atoms[i].kind == ATOM_REGEX)
			regfree(&f->atoms[i].regex);
	}
	free(f->atoms);
	free(f->key);
	free(f);
}

static struct filter *new_node(enum node_kind kind, struct filter *a, struct filter *b)
{
	struct filter *f = xcalloc(1, sizeof *f);

	f->kind = kind;
	f->a = a;
	f->b = b;
	return f;
}

static const struct filter_key *find_key(const struct parser *p, const char *name)
{
	for (size_t i = 0; i < N_FIXED_KEYS; i++)
		if (strcmp(fixed_keys[i].name, name) == 0)
			return &fixed_keys[i];
	for (size_t i = 0; i < p->n_params; i++)
		if (strcmp(p->params[i].name, name) == 0)
			return &p->params[i];
	return NULL;
}

static void complain_key(struct parser *p, const char *name)
{
	char known[380];
	size_t used = 0;

	known[0] = '\0';
	for (size_t i = 0; i < N_FIXED_KEYS + p->n_params && used < sizeof known; i++) {
		const char *k = i < N_FIXED_KEYS ? fixed_keys[i].name : p->params[i - N_FIXED_KEYS].name;
		int n = snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", k);

		used += n > 0 ? (size_t)n : 0;
	}
	err_set(p->err, 0, "filter: unknown key '%.40s'; known are %s", name, known);
}

/* A repetition in braces; *p stands on the brace and ends behind it. How often at most; 1: it is none. */
static double braces_times(const char **p)
{
	const char *at = *p + 1;
	char *end;
	double least = strtoul(at, &end, 10), most = least;

	if (*end == ',') {
		at = end + 1;
		most = strtoul(at, &end, 10);
		if (end == at) /* "{5,}": five, and then any */
			most = least + 1;
	}
	*p = *end == '}' ? end + 1 : *p + 1;
	return *end == '}' && most > 1 ? most : 1;
}

/* Behind the closing bracket of a list of characters; p stands on the opening one. */
static const char *behind_list(const char *p)
{
	p += p[1] == '^' ? 2 : 1;
	p = strchr(*p == ']' ? p + 1 : p, ']');
	return p ? p + 1 : "";
}

/*
 * How long a regular expression is with its repetitions written out, which is how regcomp() keeps it: a dozen characters such
 * as (a{1,255}){1,255} would take gigabytes. HUGE_VAL: parentheses lie too deep, which regcomp() recurses into.
 */
static double written_out(const char *p)
{
	double sum[MAX_DEPTH + 1] = {0}, last = 0, times;
	unsigned depth = 0;

	while (*p) {
		char c = *p;

		times = 1;
		if (c == '(' && depth == MAX_DEPTH)
			return HUGE_VAL;
		if (c == '(') {
			sum[++depth] = last = 1;
		} else if (c == ')' && depth > 0) {
			last = sum[depth--];
			sum[depth] += last;
		} else if (c == '+') {
			times = 2; /* once, and then any */
		} else if (c == '{') {
			times = braces_times(&p);
		} else if (c != '*' && c != '?') {
			last = c == '|' ? BRANCH : 1; /* empty ones take the longest */
			sum[depth] += last;
		}
		sum[depth] += last * (times - 1);
		last *= times;
		if (last > MAX_REGEX) /* before it is infinite: that times nothing is no number */
			return last;
		if (c == '[')
			p = behind_list(p);
		else if (c != '{')
			p += c == '\\' && p[1] ? 2 : 1;
	}
	for (; depth > 0; depth--)
		sum[0] += sum[depth];
	return sum[0];
}

/* Regular expression between slashes; p->at stands behind the first one. `\/` is a slash. */
static bool parse_regex(struct parser *p, struct atom *a)
{
	char *pattern = xcalloc(strlen(p->at) + 1, 1), why[120];
	size_t n = 0;
	int rc;

	while (*p->at && *p->at != '/') {
		if (p->at[0] == '\\' && p->at[1] == '/')
			p->at++;
		pattern[n++] = *p->at++;
	}
	if (*p->at != '/') {
		complain(p, "the regular expression has no closing '/'");
		free(pattern);
		return false;
	}
	p->at++;
	if (written_out(pattern) > MAX_REGEX) {
		err_set(p->err, 0,
			"filter: the regular expression /%.60s/ is too large: with its repetitions written out it has "
			"more than "
			"%d characters, or parentheses lie more than %d deep",
			pattern, MAX_REGEX, MAX_DEPTH);
		free(pattern);
		return false;
	}
	rc = regcomp(&a->regex, pattern, REG_EXTENDED | REG_NOSUB);
	if (rc) {
		regerror(rc, &a->regex, why, sizeof why);
		err_set(p->err, 0, "filter: bad regular expression /%.100s/: %s", pattern, why);
	} else {
		a->kind = ATOM_REGEX;
	}
	free(pattern);
	return rc == 0;
}

static char *take_word(struct parser *p)
{
	const char *start = p->at;
	size_t n;

	if (*p->at == '"') {
		const char *close = strchr(p->at + 1, '"');

		if (!close) {
			complain(p, "the quote is not closed");
			return NULL;
		}
		p->at = close + 1;
		return xformat("%.*s", (int)(close - start - 1), start + 1);
	}
	n = strcspn(p->at, " \t\n,()|");
	if (n == 0) {
		complain(p, "a value is missing");
		return NULL;
	}
	p->at += n;
	return xformat("%.*s", (int)n, start);
}

static bool parse_number(struct parser *p, const struct filter_key *key, struct atom *a)
{
	char *word = take_word(p);
	bool ok;

	if (!word)
		return false;
	ok = jsonx_parse_int(word, &a->number);
	if (!ok)
		err_set(p->err, 0, "filter: '%.60s' is not a whole number (key '%.40s')", word, key->name);
	free(word);
	return ok;
}

static bool parse_atom(struct parser *p, const struct filter_key *key, struct atom *a)
{
	static const struct {
		const char *text;
		enum atom_kind kind;
	} ops[] = {{">=", ATOM_GE}, {"<=", ATOM_LE}, {">", ATOM_GT}, {"<", ATOM_LT}, {"=", ATOM_EQ}};

	memset(a, 0, sizeof *a);
	if (*p->at == '/') {
		p->at++;
		return parse_regex(p, a);
	}
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		if (strncmp(p->at, ops[i].text, strlen(ops[i].text)) != 0)
			continue;
		if (!key->is_number) {
			err_set(p->err, 0, "filter: '%.40s' is not a number and cannot be compared with '%s'",
				key->name, ops[i].text);
			return false;
		}
		p->at += strlen(ops[i].text);
		a->kind = ops[i].kind;
		return parse_number(p, key, a);
	}
	if (key->is_number) {
		a->kind = ATOM_EQ;
		return parse_number(p, key, a);
	}
	a->kind = ATOM_WORD;
	a->word = take_word(p);
	return a->word != NULL;
}

static bool add_atom(struct parser *p, const struct filter_key *key, struct filter *term)
{
	struct atom a;

	if (!parse_atom(p, key, &a))
		return false;
	term->atoms = xgrow(term->atoms, term->n_atoms + 1, sizeof *term->atoms);
	term->atoms[term->n_atoms++] = a;
	return true;
}

static bool parse_list(struct parser *p, const struct filter_key *key, struct filter *term)
{
	p->at++; /* the parenthesis */
	for (;;) {
		skip_space(p);
		if (!add_atom(p, key, term))
			return false;
		skip_space(p);
		if (*p->at == ')') {
			p->at++;
			return true;
		}
		if (*p->at == '|' || *p->at == ',') {
			p->at++;
		} else if (at_word(p, "OR")) {
			p->at += 2;
		} else {
			complain(p, "'OR' or ')' is missing in the list");
			return false;
		}
	}
}

static struct filter *parse_term(struct parser *p)
{
	size_t n = strcspn(p->at, ": \t\n()|,");
	struct filter *term;
	const struct filter_key *key;
	char *name;

	if (n == 0 || p->at[n] != ':') {
		if (n)
			err_set(p->err, 0, "filter: '%.*s' is not of the form key:value (perhaps workload:%.*s)",
				n > 60 ? 60 : (int)n, p->at, n > 60 ? 60 : (int)n, p->at);
		else
			complain(p, *p->at ? "a term is missing" : "the filter ends where a term is missing");
		return NULL;
	}
	name = xformat("%.*s", (int)n, p->at);
	key = find_key(p, name);
	if (!key) {
		complain_key(p, name);
		free(name);
		return NULL;
	}
	p->at += n + 1;
	term = new_node(NODE_TERM, NULL, NULL);
	term->key = name;
	if (*p->at == '(') {
		if (!parse_list(p, key, term))
			goto fail;
		return term;
	}
	do {
		if (*p->at == ',')
			p->at++;
		if (!add_atom(p, key, term))
			goto fail;
	} while (*p->at == ',');
	return term;
fail:
	filter_free(term);
	return NULL;
}

static struct filter *parse_not(struct parser *p)
{
	struct filter *f = NULL;

	skip_space(p);
	if (p->depth >= MAX_DEPTH) {
		complain(p, "nested too deeply");
		return NULL;
	}
	p->depth++;
	if (*p->at == '-' || at_word(p, "NOT")) {
		p->at += *p->at == '-' ? 1 : 3;
		f = parse_not(p);
		if (f)
			f = new_node(NODE_NOT, f, NULL);
	} else if (*p->at == '(') {
		p->at++;
		f = parse_or(p);
		skip_space(p);
		if (f && *p->at != ')') {
			complain(p, "')' is missing");
			filter_free(f);
			f = NULL;
		} else if (f) {
			p->at++;
		}
	} else {
		f = parse_term(p);
	}
	p->depth--;
	return f;
}

static struct filter *parse_and(struct parser *p)
{
	struct filter *f = parse_not(p), *right;

	while (f) {
		skip_space(p);
		if (*p->at == '\0' || *p->at == ')' || *p->at == '|' || at_word(p, "OR"))
			break;
		right = parse_not(p);
		if (!right) {
			filter_free(f);
			return NULL;
		}
		f = new_node(NODE_AND, f, right);
	}
	return f;
}

static struct filter *parse_or(struct parser *p)
{
	struct filter *f = parse_and(p), *right;

	while (f) {
		skip_space(p);
		if (*p->at == '|')
			p->at++;
		else if (at_word(p, "OR"))
			p->at += 2;
		else
			break;
		right = parse_and(p);
		if (!right) {
			filter_free(f);
			return NULL;
		}
		f = new_node(NODE_OR, f, right);
	}
	return f;
}

int filter_parse(const char *text, const struct filter_key *params, size_t n_params, struct filter **out,
		 struct err *err)
{
	struct parser p = {.text = text, .at = text, .params = params, .n_params = n_params, .err = err};
	struct filter *f = parse_or(&p);

	*out = NULL;
	if (!f)
		return -EINVAL;
	skip_space(&p);
	if (*p.at) {
		complain(&p, "unexpected text");
		filter_free(f);
		return -EINVAL;
	}
	*out = f;
	return 0;
}

static bool match_text(const struct atom *a, const char *text)
{
	if (!text)
		return false;
	if (a->kind == ATOM_REGEX)
		return regexec(&a->regex, text, 0, NULL, 0) == 0;
	return a->kind == ATOM_WORD && strcmp(a->word, text) == 0;
}

static bool match_number(const struct atom *a, int64_t v)
{
	char text[24];

	switch (a->kind) {
	case ATOM_GE:
		return v >= a->number;
	case ATOM_LE:
		return v <= a->number;
	case ATOM_GT:
		return v > a->number;
	case ATOM_LT:
		return v < a->number;
	case ATOM_EQ:
		return v == a->number;
	case ATOM_WORD:
	case ATOM_REGEX:
		snprintf(text, sizeof text, "%lld", (long long)v);
		return match_text(a, text);
	}
	return false;
}

static bool match_atom(const char *key, const struct atom *a, const struct filter_item *item)
{
	const json_t *param;
	const char *slash = item->workload ? strchr(item->workload, '/') : NULL;

	if (strcmp(key, "workload") == 0)
		return match_text(a, item->workload) || (slash && match_text(a, slash + 1));
	if (strcmp(key, "family") == 0) {
		char family[64];

		snprintf(family, sizeof family, "%.*s", slash ? (int)(slash - item->workload) : 0,
			 item->workload ? item->workload : "");
		return match_text(a, family);
	}
	if (strcmp(key, "subject") == 0)
		return match_text(a, item->subject);
	if (strcmp(key, "placement") == 0)
		return match_text(a, item->placement);
	if (strcmp(key, "kind") == 0)
		return match_text(a, item->kind);
	if (strcmp(key, "group") == 0)
		return match_text(a, item->group);
	if (strcmp(key, "workers") == 0)
		return match_number(a, item->workers);
	param = json_object_get(item->params, key);
	if (json_is_integer(param))
		return match_number(a, json_integer_value(param));
	return match_text(a, json_string_value(param));
}

bool filter_match(const struct filter *f, const struct filter_item *item)
{
	switch (f->kind) {
	case NODE_OR:
		return filter_match(f->a, item) || filter_match(f->b, item);
	case NODE_AND:
		return filter_match(f->a, item) && filter_match(f->b, item);
	case NODE_NOT:
		return !filter_match(f->a, item);
	case NODE_TERM:
		break;
	}
	for (size_t i = 0; i < f->n_atoms; i++)
		if (match_atom(f->key, &f->atoms[i], item))
			return true;
	return false;
}

/* What can be told without subject, placement, kind, workers and parameters; in this order AND is min and OR is max. */
enum answer { ANSWER_NO, ANSWER_OPEN, ANSWER_YES };

static enum answer may_match(const struct filter *f, const struct filter_item *item)
{
	enum answer a, b;

	if (f->kind == NODE_TERM) {
		if (strcmp(f->key, "workload") != 0 && strcmp(f->key, "family") != 0 && strcmp(f->key, "group") != 0)
			return ANSWER_OPEN;
		return filter_match(f, item) ? ANSWER_YES : ANSWER_NO;
	}
	a = may_match(f->a, item);
	if (f->kind == NODE_NOT)
		return ANSWER_YES - a;
	b = may_match(f->b, item);
	if (f->kind == NODE_AND)
		return a < b ? a : b;
	return a > b ? a : b;
}

bool filter_may_match(const struct filter *f, const struct filter_item *item)
{
	return may_match(f, item) != ANSWER_NO;
}

bool filter_names_workloads(const struct filter *f)
{
	if (!f || f->kind == NODE_NOT)
		return false;
	if (f->kind == NODE_TERM)
		return strcmp(f->key, "workload") == 0 || strcmp(f->key, "family") == 0;
	return filter_names_workloads(f->a) || filter_names_workloads(f->b);
}
