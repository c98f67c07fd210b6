#include "harness/plan/references.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/catalog.h"
#include "harness/plan/jsonx.h"

static bool is_reference(const json_t *r)
{
	return jsonx_str(r, "id") && jsonx_str(r, "packages") && json_is_boolean(json_object_get(r, "built"));
}

const char *references_add(const char *text, const struct catalog *c, json_t *out)
{
	json_t *file = json_loads(text, 0, NULL), *list = json_object_get(file, "references"), *r;
	const char *why = json_is_array(list) ? NULL : "has no list references";
	size_t i;

	json_array_foreach (list, i, r)
		if (!is_reference(r))
			why = "has a reference without id, packages and built";
	json_array_foreach (list, i, r) {
		bool built = jsonx_bool(r, "built", false);

		if (why || catalog_subject(c, jsonx_str(r, "id")))
			continue;
		json_array_append_new(out, json_pack("{s:s, s:s, s:s}", "id", jsonx_str(r, "id"), "packages",
						     jsonx_str(r, "packages"), "why",
						     built ? "its toolchain was found, and it was not built"
							   : "its toolchain was not found"));
	}
	json_decref(file);
	return why;
}

static void add_file(const char *dir, const struct catalog *c, json_t *out)
{
	char *path = xformat("%s/references.json", dir), text[65536];
	FILE *file = fopen(path, "r");
	const char *why;
	size_t n;

	if (file) { /* directories of foreign subjects have none */
		n = fread(text, 1, sizeof text - 1, file);
		text[n] = '\0';
		fclose(file);
		why = references_add(text, c, out);
		if (why) {
			char *warning = xformat("%s %s; it is left out", path, why);

			json_array_append_new(c->warnings, json_string(warning));
			free(warning);
		}
	}
	free(path);
}

json_t *references_missing(const char *dirs, const struct catalog *c)
{
	char *copy = xstrdup(dirs), *save = NULL;
	json_t *out = json_array();

	for (char *dir = strtok_r(copy, ":", &save); dir; dir = strtok_r(NULL, ":", &save))
		add_file(dir, c, out);
	free(copy);
	return out;
}
