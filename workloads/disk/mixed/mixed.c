/*
 * disk/mixed - reads and writes of 4 KiB, at random places of one file.
 *
 * `in_flight` workers each do their share of the operations, one after another, on a part of the file that is their own;
 * which block, and whether it is read or written, follows from the seed. mode=buffered goes through the page cache, where
 * all blocks are: it measures what the calls cost, and writing back is the kernel's affair at a time of its own.
 * mode=direct opens the file with O_DIRECT: every operation waits for the device, and reads wait behind writes there.
 *
 * Contents. A block carries its index, the number of times it was written and a CRC (mixed_fill). Every read checks
 * all of it, and after the region the whole file is read and checked: the last write of each block is there, and nothing
 * else. A run begins with what the one before has left; only the writes of this run are in the certificate.
 *
 * The file is made by setup(), on the device before the clock starts, and has no name any more when that returns: it is
 * gone with the process, however that ends. Every subject writes it in chunks of FILES_CHUNK: the page cache keeps a file
 * in pieces as large as the writes that made it, and a block of a small piece costs half of one of a large piece.
 *
 * Rejected: workers that share all blocks. Who reads what would depend on who is faster, and a block that is read while
 * it is written may lawfully be half of each.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workloads/disk/mixed/mixed.h"

enum { PARAM_MODE, PARAM_READ_PERCENT, PARAM_IN_FLIGHT, PARAM_FILE_MIB };
enum { MODE_BUFFERED, MODE_DIRECT };

static const char *const modes[] = {[MODE_BUFFERED] = "buffered", [MODE_DIRECT] = "direct", NULL};

static const struct bench_param params[] = {
	[PARAM_MODE] = {.name = "mode",
			.unit = "",
			.help = "buffered: through the page cache; direct: O_DIRECT",
			.kind = BENCH_CHOICE,
			.dflt = MODE_BUFFERED,
			.smoke = MODE_BUFFERED,
			.choices = modes},
	[PARAM_READ_PERCENT] = {.name = "read_percent",
				.unit = "%",
				.help = "operations that are reads",
				.dflt = 70,
				.min = 0,
				.max = 100,
				.smoke = 60},
	[PARAM_IN_FLIGHT] = {.name = "in_flight",
			     .unit = "workers",
			     .help = "operations under way at one time",
			     .dflt = 8,
			     .min = 1,
			     .max = 64,
			     .smoke = 4},
	[PARAM_FILE_MIB] = {.name = "file_mib",
			    .unit = "MiB",
			    .help = "size of the file",
			    .dflt = 64,
			    .min = 1,
			    .max = 16384,
			    .smoke = 2},
};

enum { CHUNK_BLOCKS = FILES_CHUNK / MIXED_BLOCK };

static uint64_t blocks_of(const struct bench *b)
{
	return ((uint64_t)b->param[PARAM_FILE_MIB] << 20) / MIXED_BLOCK;
}

static struct mixed_order order_of(const struct bench *b, uint64_t worker)
{
	return mixed_order_of(b->seed, blocks_of(b), (uint64_t)b->param[PARAM_READ_PERCENT], worker,
			      (uint64_t)b->param[PARAM_IN_FLIGHT]);
}

/* ---- the whole file ------------------------------------------------------------------------------------ */

static void fill_chunk(uint64_t *words, uint64_t offset)
{
	for (uint64_t i = 0; i < CHUNK_BLOCKS; i++)
		mixed_fill(words + i * MIXED_WORDS, offset / MIXED_BLOCK + i, 0);
}

/* Check a chunk that was read, and add its blocks to the certificate. */
static int check_chunk(struct bench *b, const uint64_t *chunk, uint64_t first)
{
	const struct mixed_data *d = b->data;

	for (uint64_t i = 0; i < CHUNK_BLOCKS; i++) {
		uint64_t block = first + i;

		if (!mixed_is_right(chunk + i * MIXED_WORDS, block, d->versions[block]))
			return bench_fail(b, -EILSEQ, "block %llu of the file does not hold its write number %u",
					  (unsigned long long)block, d->versions[block]);
		b->cert.checksum += mixed_digest(block, d->writes[block]);
	}
	return 0;
}

int mixed_verify(struct bench *b)
{
	const struct mixed_data *d = b->data;
	uint64_t *chunk = aligned_alloc(MIXED_BLOCK, FILES_CHUNK);
	int status = chunk ? 0 : bench_fail(b, -ENOMEM, "out of memory for a part of the file");

	for (uint64_t i = 0; status == 0 && i < d->blocks; i += CHUNK_BLOCKS) {
		status = files_pread_all(d->fd, chunk, FILES_CHUNK, (off_t)(i * MIXED_BLOCK));
		if (status < 0)
			bench_fail(b, status, "cannot read what was written: %s", strerror(-status));
		else
			status = check_chunk(b, chunk, i);
	}
	free(chunk);
	return status;
}

/* ---- workers ------------------------------------------------------------------------------------------- */

int mixed_make_worker(struct bench *b, struct mixed_worker *w, uint64_t i, uint64_t n)
{
	*w = (struct mixed_worker){.data = b->data, .order = order_of(b, i), .left = bench_share(b->ops, n, i)};
	w->words = aligned_alloc(MIXED_BLOCK, MIXED_BLOCK);
	return w->words ? 0 : -ENOMEM;
}

void mixed_free_worker(struct mixed_worker *w)
{
	free(w->words);
}

void mixed_prepare(struct bench *b)
{
	const struct mixed_data *d = b->data;

	memset(d->writes, 0, d->blocks * sizeof d->writes[0]);
}

int mixed_add(struct bench *b, const struct mixed_worker *w)
{
	struct bench_cert *c = &b->cert;

	c->ops += w->reads + w->writes;
	c->bytes_read += w->reads * MIXED_BLOCK;
	c->bytes_written += w->writes * MIXED_BLOCK;
	c->checksum += w->sum;
	if (w->status == -EILSEQ)
		return bench_fail(b, w->status, "block %llu was read and is not what was written there",
				  (unsigned long long)w->block);
	if (w->status < 0)
		return bench_fail(b, w->status, "a %s of the file failed: %s", w->is_read ? "read" : "write",
				  strerror(-w->status));
	return 0;
}

/* ---- set-up ---------------------------------------------------------------------------------------------- */

static void mixed_teardown(struct bench *b)
{
	struct mixed_data *d = b->data;

	if (!d)
		return;
	if (d->fd >= 0)
		close(d->fd);
	free(d->writes);
	free(d->versions);
	free(d);
	b->data = NULL;
}

static int check_limits(struct bench *b)
{
	uint64_t bytes = blocks_of(b) * MIXED_BLOCK;
	int status = files_check_space(b, bytes, 1);

	return status == 0 && b->param[PARAM_MODE] == MODE_BUFFERED ? files_check_cache(b, bytes) : status;
}

/* The file, complete and on the device, and without a name. Its descriptor, or < 0 with b->why. */
static int make_file(struct bench *b, const char *path)
{
	int status, made = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), fd = made;

	if (made < 0)
		return bench_fail(b, -errno, "cannot create %s: %s", path, strerror(errno));
	status = files_write_made(made, blocks_of(b) * MIXED_BLOCK, fill_chunk);
	if (status < 0)
		bench_fail(b, status, "cannot write %s: %s", path, strerror(-status));
	else if (b->param[PARAM_MODE] == MODE_DIRECT)
		status = fd = files_open_direct(b, path, O_RDWR, MIXED_BLOCK);
	unlink(path);
	if (status < 0 || fd != made)
		close(made);
	return status < 0 ? status : fd;
}

static int mixed_setup(struct bench *b)
{
	struct mixed_data *d;
	char path[PATH_MAX];
	int status = check_limits(b);

	if (status == 0)
		status = files_scratch_name(b, "mixed", path);
	if (status < 0)
		return status;
	d = calloc(1, sizeof *d);
	if (!d)
		return bench_fail(b, -ENOMEM, "out of memory for the file's record");
	b->data = d;
	d->fd = -1;
	d->blocks = blocks_of(b);
	d->versions = calloc(d->blocks, sizeof d->versions[0]);
	d->writes = calloc(d->blocks, sizeof d->writes[0]);
	if (d->versions && d->writes)
		status = d->fd = make_file(b, path);
	else
		status = bench_fail(b, -ENOMEM, "out of memory for the counts of %llu blocks",
				    (unsigned long long)d->blocks);
	if (status < 0)
		mixed_teardown(b);
	return status < 0 ? status : 0;
}

/* ---- the definition --------------------------------------------------------------------------------------- */

/* What one worker does to the counts and the certificate, without a file. */
static void expect_worker(const struct bench *b, uint64_t worker, uint32_t *writes, struct bench_cert *out)
{
	struct mixed_order order = order_of(b, worker);
	uint64_t left = bench_share(b->ops, (uint64_t)b->param[PARAM_IN_FLIGHT], worker);

	for (; left > 0; left--) {
		bool is_read;
		uint64_t block = mixed_choose(&order, &is_read);

		if (is_read) {
			out->bytes_read += MIXED_BLOCK;
			out->checksum += mixed_digest(block, writes[block]);
		} else {
			out->bytes_written += MIXED_BLOCK;
			writes[block]++;
		}
	}
}

static void mixed_expect(const struct bench *b, struct bench_cert *out)
{
	uint64_t workers = (uint64_t)b->param[PARAM_IN_FLIGHT], blocks = blocks_of(b);
	uint32_t *writes = calloc(blocks, sizeof *writes);

	*out = (struct bench_cert){.ops = b->ops, .max_live = workers};
	if (!writes)
		return; /* no sample has this certificate */
	for (uint64_t i = 0; i < workers; i++)
		expect_worker(b, i, writes, out);
	for (uint64_t i = 0; i < blocks; i++)
		out->checksum += mixed_digest(i, writes[i]);
	free(writes);
}

const struct bench_workload disk_mixed_workload = {
	.name = "disk/mixed",
	.version = 2,
	.summary = "reads and writes of 4 KiB at random places of one file, through the page cache or around it",
	.op = "one block of 4 KiB read and checked, or made and written",
	.fairness =
		"Every body makes one system call per operation, into or out of an aligned buffer of the worker's own, "
		"for the same blocks in the same order per worker; making a block and checking one are the same code. "
		"in_flight operations are under way as far as the model can: a direct worker is a task that blocks in "
		"the "
		"call, an evented one a request that is renewed from its completion. How a model gets a file call done "
		"(a "
		"thread that blocks, a hand-off of the processor, io_uring) is what is compared, and the sample names "
		"it. "
		"Buffered operations never wait for the device, which favours whoever makes one plain system call; "
		"what "
		"the kernel writes back meanwhile is its own affair and the same for all. Direct writes change blocks "
		"that exist; nothing grows, and no fsync is in it. The file is checked as a whole outside the region. "
		"The "
		"serial body has no way to have two operations under way and exists for in_flight=1 only.",
	.scaling = BENCH_LINEAR,
	.metric = BENCH_WALL_PER_OP,
	.params = params,
	.n_params = sizeof params / sizeof params[0],
	.smoke_ops = 400,
	.ops_quantum = 1,
	.quantum_param = "in_flight",
	.setup = mixed_setup,
	.teardown = mixed_teardown,
	.expect = mixed_expect,
};
