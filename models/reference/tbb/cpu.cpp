/*
 * cpu.cpp - the workloads of cpu/ in oneTBB: trees of calls are groups, pictures and tiles are ranges.
 *
 * A range is cut down to single rows or tiles (simple_partitioner), since the work of everybody is a task for each; left to
 * itself the library would make fewer tasks where no thread steals.
 */
#include <vector>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_group.h>

#include "models/reference/tbb/parts.hpp"

namespace {

/* ---- cpu/fib: spawn one half, do the other half here, wait ------------------------------------------- */

struct fib_result {
	uint64_t value, leaves, tasks;
};

fib_result fib(int n, int cutoff)
{
	fib_result first, second;
	tbb::task_group group;

	if (n < cutoff)
		return {fib_leaf(n), 1, 0};
	group.run([&first, n, cutoff] {
		first = fib(n - 1, cutoff);
		first.tasks++;
	});
	second = fib(n - 2, cutoff);
	group.wait();
	return {first.value + second.value, first.leaves + second.leaves, first.tasks + second.tasks};
}

int run_fib(struct bench *b)
{
	const int n = static_cast<int>(bench_param(b, "n")), cutoff = static_cast<int>(bench_param(b, "cutoff"));
	fib_result root;

	bench_begin(b);
	root = fib(n, cutoff);
	bench_end(b);
	b->cert = {};
	b->cert.ops = root.leaves;
	b->cert.units = root.tasks;
	b->cert.checksum = root.value;
	return 0;
}

uint64_t estimate_fib(const struct bench *b)
{
	return fib_least_ns(b, b->workers);
}

/* ---- cpu/nqueens: a task per placement above the cut-off ---------------------------------------------- */

__attribute__((noinline)) uint64_t search(const nqueens_board *board)
{
	return nqueens_search(board);
}

nqueens_sum explore(const nqueens_board &board, int64_t depth)
{
	nqueens_sum below[NQUEENS_MAX] = {}, sum = {};
	tbb::task_group group;
	int n = 0;

	if (depth == 0)
		return {search(&board), 1, 0};
	for (uint32_t open = nqueens_open(&board); open; open &= open - 1) {
		group.run([kid = &below[n], next = nqueens_place(&board, open & -open), depth] {
			*kid = explore(next, depth - 1);
			kid->tasks++;
		});
		n++;
	}
	group.wait();
	while (n-- > 0)
		nqueens_add(&sum, &below[n]);
	return sum;
}

int run_nqueens(struct bench *b)
{
	const nqueens_board board = nqueens_empty(bench_param(b, "n"));
	const int64_t depth = bench_param(b, "depth");
	nqueens_sum sum;

	bench_begin(b);
	sum = explore(board, depth);
	bench_end(b);
	b->cert = {};
	b->cert.ops = sum.leaves;
	b->cert.units = sum.tasks;
	b->cert.checksum = sum.solutions;
	return 0;
}

uint64_t estimate_nqueens(const struct bench *b)
{
	return nqueens_least_ns(b, b->workers);
}

/* ---- cpu/uts: a task per node above the cut-off ------------------------------------------------------- */

__attribute__((noinline)) void walk(const struct uts_tree *t, const uts_node *top, uts_sum *sum)
{
	*sum = uts_walk(t, top);
}

void branch(const struct uts_tree &t, const uts_node &self, uts_sum *kids, uint64_t n, uts_sum *sum);

void visit(const struct uts_tree &t, const uts_node &node, uts_sum *sum)
{
	uts_sum kids[UTS_KIDS];

	if (node.depth < t.cutoff)
		branch(t, node, kids, uts_kids(&t, &node), sum);
	else
		walk(&t, &node, sum);
	sum->tasks++;
}

/* `kids` has room for what n children find. */
void branch(const struct uts_tree &t, const uts_node &self, uts_sum *kids, uint64_t n, uts_sum *sum)
{
	tbb::task_group group;

	*sum = uts_sum{1, 0, self.state};
	for (uint64_t i = 0; i < n; i++)
		group.run([&t, kid = &kids[i], node = uts_child(&t, &self, i)] { visit(t, node, kid); });
	group.wait();
	for (uint64_t i = 0; i < n; i++)
		uts_add(sum, &kids[i]);
}

int run_uts(struct bench *b)
{
	const struct uts_tree tree = uts_tree(b);
	std::vector<uts_sum> kids(tree.root_kids);
	uts_sum sum;

	bench_begin(b);
	branch(tree, uts_node{UTS_ROOT_STATE, 0}, kids.data(), tree.root_kids, &sum);
	bench_end(b);
	b->cert = {};
	b->cert.ops = sum.nodes;
	b->cert.units = sum.tasks;
	b->cert.checksum = sum.states;
	return 0;
}

/* ---- ranges: do_one(i) is a task for each i below n ---------------------------------------------------- */

template <typename Body> void for_each_below(uint64_t n, const Body &do_one)
{
	using range = tbb::blocked_range<uint64_t>;

	tbb::parallel_for(
		range(0, n, 1),
		[&do_one](const range &r) {
			for (uint64_t i = r.begin(); i != r.end(); i++)
				do_one(i);
		},
		tbb::simple_partitioner());
}

/* ---- cpu/mandelbrot ----------------------------------------------------------------------------------- */

struct row {
	uint64_t sum, done; /* done: 1 when its task has run */
};

__attribute__((noinline)) uint64_t compute(const struct mandelbrot_image *image, uint64_t number)
{
	return mandelbrot_row(image, number);
}

int run_mandelbrot(struct bench *b)
{
	const struct mandelbrot_image image = mandelbrot_image(b);
	std::vector<row> rows(image.size);

	b->cert = {};
	bench_begin(b);
	for_each_below(image.size, [&](uint64_t i) {
		rows[i].sum = compute(&image, i);
		rows[i].done++;
	});
	for (const row &r : rows) {
		b->cert.ops += r.done;
		b->cert.checksum += r.sum;
	}
	bench_end(b);
	b->cert.units = b->cert.ops;
	return 0;
}

uint64_t estimate_mandelbrot(const struct bench *b)
{
	return mandelbrot_least_ns(b, b->workers);
}

/* ---- cpu/matmul --------------------------------------------------------------------------------------- */

__attribute__((noinline)) void multiply(const struct matmul_data *d, uint64_t tile)
{
	matmul_tile(d, tile);
}

int run_matmul(struct bench *b)
{
	auto *d = static_cast<struct matmul_data *>(b->data);
	std::vector<uint64_t> done(matmul_tiles(d));

	b->cert = {};
	matmul_clear(d);
	bench_begin(b);
	for_each_below(done.size(), [&](uint64_t tile) {
		multiply(d, tile);
		done[tile]++;
	});
	for (uint64_t tile : done)
		b->cert.ops += tile;
	bench_end(b);
	b->cert.units = b->cert.ops;
	b->cert.checksum = matmul_checksum(d);
	return 0;
}

uint64_t estimate_matmul(const struct bench *b)
{
	return matmul_least_ns(b, b->workers);
}

} // namespace

const struct bench_body cpu_fib_tbb = {nullptr, run_fib, estimate_fib};
const struct bench_body cpu_nqueens_tbb = {nullptr, run_nqueens, estimate_nqueens};
const struct bench_body cpu_uts_tbb = {nullptr, run_uts, nullptr};
const struct bench_body cpu_mandelbrot_tbb = {nullptr, run_mandelbrot, estimate_mandelbrot};
const struct bench_body cpu_matmul_tbb = {nullptr, run_matmul, estimate_matmul};
