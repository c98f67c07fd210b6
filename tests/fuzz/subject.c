/* subject.c - target: a cell, as a subject checks it. All workloads are linked, none of their bodies. */
#include "fuzz.h"

#include "harness/subject/protocol.h"

int fuzz_cell(const uint8_t *data, size_t size)
{
	json_t *object = fuzz_object(data, size);
	struct run_request r;
	struct cell cell;
	struct err e = {{0}};
	int rc;

	if (!object)
		return 0;
	rc = protocol_parse_run(object, &r, &e);
	fuzz_check(rc, &e);
	if (rc == 0)
		run_request_free(&r);
	e.why[0] = '\0';
	rc = protocol_parse_cell(json_object_get(object, "cell"), &cell, &e); /* as --certify */
	fuzz_check(rc, &e);
	if (rc == 0 && cell.bench.workload->scaling == BENCH_LINEAR && cell.bench.ops)
		(void)protocol_round_ops(&cell.bench, cell.bench.ops);
	if (rc == 0)
		cell_free(&cell);
	json_decref(object);
	return 0;
}
