/*
 * bf.cpp - see bf.h.
 *
 * With one worker all fibers are on one thread and take turns (algo::round_robin, the library's default). With more there is a
 * thread each, and a thread that has none ready takes some of another's (algo::work_stealing), as in the library's own
 * example: the other threads' main fibers wait on a condition variable until the end, and their threads run what they steal.
 *
 * A new fiber is behind those that are ready (launch::post, the library's default), so of a tree of tasks that make tasks all
 * exist at one time: spawn/skynet with a million leaves has 1.1 million stacks, with three pages of each in use, and seldom
 * comes to its end in the time that the harness gives. launch=dispatch runs a new fiber at once and lets its maker wait, which
 * is how the library's own measurement of such a tree is written; then about a tenth exist. It cannot be the default: each link
 * of spawn/chain would keep the one before it from ending.
 *
 * A bounded channel of the library has a power of two of slots and leaves one free. Asked for a capacity, it gets the most
 * that is not above it: 1 for 1, 7 for 10, 63 for 64.
 */
#include "models/reference/boost-fiber/bf.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include <boost/fiber/all.hpp>

namespace fibers = boost::fibers;

namespace {

enum class stack_kind { fixed, guarded, pooled };

struct settings {
	unsigned workers = 1;
	std::size_t stack_bytes = boost::context::stack_traits::default_size();
	stack_kind kind = stack_kind::fixed;
	bool suspends = false;
	fibers::launch launch = fibers::launch::post;
} config; /* immutable after bf_start */

std::unique_ptr<fibers::pooled_fixedsize_stack> pool;

[[noreturn]] void fatal(const char *what)
{
	std::fprintf(stderr, "boost-fiber: %s\n", what);
	std::abort();
}

/* ---- knobs -------------------------------------------------------------------------------------- */

const char *name_of(stack_kind kind)
{
	return kind == stack_kind::fixed ? "fixed" : kind == stack_kind::pooled ? "pooled" : "protected";
}

const char *name_of(fibers::launch launch)
{
	return launch == fibers::launch::post ? "post" : "dispatch";
}

bool read_knob(settings &s, const std::string &name, const std::string &value)
{
	if (name == "stack_kib" && !value.empty() && value.size() < 8 &&
	    value.find_first_not_of("0123456789") == std::string::npos) {
		s.stack_bytes = std::stoul(value) * 1024;
		return s.stack_bytes >= boost::context::stack_traits::minimum_size();
	}
	if (name == "suspend" && (value == "0" || value == "1")) {
		s.suspends = value == "1";
		return true;
	}
	for (auto launch : {fibers::launch::post, fibers::launch::dispatch})
		if (name == "launch" && value == name_of(launch)) {
			s.launch = launch;
			return true;
		}
	for (auto kind : {stack_kind::fixed, stack_kind::guarded, stack_kind::pooled})
		if (name == "stack" && value == name_of(kind)) {
			s.kind = kind;
			return true;
		}
	return false;
}

bool read_knobs(settings &s, const std::string &text)
{
	for (std::size_t at = 0; at < text.size();) {
		std::size_t end = std::min(text.find(',', at), text.size()), is = text.find('=', at);

		if (is >= end || !read_knob(s, text.substr(at, is - at), text.substr(is + 1, end - is - 1)))
			return false;
		at = end + 1;
	}
	return s.kind != stack_kind::pooled || s.workers == 1; /* the pool has no lock */
}

/* ---- threads ------------------------------------------------------------------------------------ */

struct ending {
	fibers::mutex lock;
	fibers::condition_variable come;
	bool has_come = false; /* under lock */
};

void be_a_worker(ending &end)
{
	fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(config.workers, config.suspends);
	std::unique_lock<fibers::mutex> held(end.lock);
	end.come.wait(held, [&end] { return end.has_come; });
}

/* ---- fibers ------------------------------------------------------------------------------------- */

template <typename Stack> fibers::fiber make(Stack &&stack, void (*fn)(void *), void *arg)
{
	return fibers::fiber(config.launch, std::allocator_arg, stack, [fn, arg] { fn(arg); });
}

fibers::fiber make(void (*fn)(void *), void *arg)
{
	switch (config.kind) {
	case stack_kind::guarded:
		return make(fibers::protected_fixedsize_stack(config.stack_bytes), fn, arg);
	case stack_kind::pooled:
		return make(*pool, fn, arg);
	default:
		return make(fibers::fixedsize_stack(config.stack_bytes), fn, arg);
	}
}

/* ---- an object of the library's in the caller's storage ------------------------------------------- */

template <typename T, typename Room, typename... Args> void put(Room *r, Args &&...args)
{
	static_assert(sizeof(T) <= sizeof(r->room) && alignof(T) <= 16, "bf.h gives it too little room");
	new (r->room) T(std::forward<Args>(args)...);
}

template <typename T, typename Room> T &in(Room *r)
{
	return *std::launder(reinterpret_cast<T *>(r->room));
}

template <typename T, typename Room> void drop(Room *r)
{
	in<T>(r).~T();
}

} // namespace

/* ---- channels ----------------------------------------------------------------------------------- */

struct bf_chan {
	virtual ~bf_chan() = default;
	virtual void send(const void *elem) = 0;
	virtual bool recv(void *elem) = 0;
	virtual void close() = 0;
};

namespace {

template <std::size_t N> struct element {
	unsigned char bytes[N];
};

template <typename Channel, typename Element> struct chan_of final : bf_chan {
	Channel c;

	template <typename... Args> explicit chan_of(Args... args) : c(args...)
	{
	}

	void send(const void *elem) override
	{
		Element e;

		std::memcpy(&e, elem, sizeof e);
		if (c.push(e) != fibers::channel_op_status::success)
			fatal("a send on a channel that is closed");
	}

	bool recv(void *elem) override
	{
		Element e;

		if (c.pop(e) != fibers::channel_op_status::success)
			return false;
		std::memcpy(elem, &e, sizeof e);
		return true;
	}

	void close() override
	{
		c.close();
	}
};

template <std::size_t N> bf_chan *make_chan(std::size_t capacity)
{
	std::size_t slots = 2;

	if (capacity == 0)
		return new chan_of<fibers::unbuffered_channel<element<N>>, element<N>>();
	while (slots * 2 - 1 <= capacity)
		slots *= 2;
	return new chan_of<fibers::buffered_channel<element<N>>, element<N>>(slots);
}

bf_chan *make_chan(std::size_t elem_bytes, std::size_t capacity)
{
	switch (elem_bytes) {
	case 1:
		return make_chan<1>(capacity);
	case 4:
		return make_chan<4>(capacity);
	case 8:
		return make_chan<8>(capacity);
	case 16:
		return make_chan<16>(capacity);
	default:
		return nullptr;
	}
}

} // namespace

/* ---- for C -------------------------------------------------------------------------------------- */

extern "C" {

int bf_start(unsigned workers, const char *knobs)
{
	settings s;

	s.workers = workers;
	if (!read_knobs(s, knobs))
		return -EINVAL;
	config = s;
	if (s.kind == stack_kind::pooled)
		pool = std::make_unique<fibers::pooled_fixedsize_stack>(s.stack_bytes);
	return 0;
}

void bf_run(void (*root)(void *), void *arg)
{
	std::vector<std::thread> others;
	ending end;

	for (unsigned i = 1; i < config.workers; i++)
		others.emplace_back(be_a_worker, std::ref(end));
	if (config.workers > 1)
		fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(config.workers, config.suspends);
	root(arg);
	{
		std::lock_guard<fibers::mutex> held(end.lock);
		end.has_come = true;
	}
	end.come.notify_all();
	for (auto &t : others)
		t.join();
}

const char *bf_stack(void)
{
	return name_of(config.kind);
}

size_t bf_stack_bytes(void)
{
	return config.stack_bytes;
}

bool bf_suspends(void)
{
	return config.suspends;
}

const char *bf_launch(void)
{
	return name_of(config.launch);
}

const char *bf_algorithm(void)
{
	return config.workers > 1 ? "work_stealing" : "round_robin";
}

int bf_spawn(struct bf_fiber *f, void (*fn)(void *), void *arg)
try {
	put<fibers::fiber>(f, make(fn, arg));
	return 0;
} catch (const std::bad_alloc &) {
	return -ENOMEM;
}

void bf_join(struct bf_fiber *f)
{
	in<fibers::fiber>(f).join();
	drop<fibers::fiber>(f);
}

int bf_go(void (*fn)(void *), void *arg)
try {
	make(fn, arg).detach();
	return 0;
} catch (const std::bad_alloc &) {
	return -ENOMEM;
}

/* The library's record of the fiber lies on the stack, too. */
int bf_go_sized(size_t stack_bytes, void (*fn)(void *), void *arg)
try {
	make(fibers::fixedsize_stack(stack_bytes + 8192), fn, arg).detach();
	return 0;
} catch (const std::bad_alloc &) {
	return -ENOMEM;
}

void bf_yield(void)
{
	boost::this_fiber::yield();
}

void bf_sleep_ns(uint64_t ns)
{
	boost::this_fiber::sleep_for(std::chrono::nanoseconds(ns));
}

void bf_mutex_init(struct bf_mutex *m)
{
	put<fibers::mutex>(m);
}

void bf_mutex_destroy(struct bf_mutex *m)
{
	drop<fibers::mutex>(m);
}

void bf_lock(struct bf_mutex *m)
{
	in<fibers::mutex>(m).lock();
}

void bf_unlock(struct bf_mutex *m)
{
	in<fibers::mutex>(m).unlock();
}

void bf_cond_init(struct bf_cond *c)
{
	put<fibers::condition_variable>(c);
}

void bf_cond_destroy(struct bf_cond *c)
{
	drop<fibers::condition_variable>(c);
}

void bf_cond_wait(struct bf_cond *c, struct bf_mutex *m)
{
	std::unique_lock<fibers::mutex> held(in<fibers::mutex>(m), std::adopt_lock);

	in<fibers::condition_variable>(c).wait(held);
	held.release();
}

void bf_cond_signal(struct bf_cond *c)
{
	in<fibers::condition_variable>(c).notify_one();
}

void bf_cond_broadcast(struct bf_cond *c)
{
	in<fibers::condition_variable>(c).notify_all();
}

void bf_barrier_init(struct bf_barrier *b, unsigned n)
{
	put<fibers::barrier>(b, n);
}

void bf_barrier_destroy(struct bf_barrier *b)
{
	drop<fibers::barrier>(b);
}

bool bf_barrier_wait(struct bf_barrier *b)
{
	return in<fibers::barrier>(b).wait();
}

int bf_chan_new(size_t elem_bytes, size_t capacity, struct bf_chan **out)
try {
	*out = make_chan(elem_bytes, capacity);
	return *out ? 0 : -EOPNOTSUPP;
} catch (const std::bad_alloc &) {
	return -ENOMEM;
}

void bf_chan_free(struct bf_chan *c)
{
	delete c;
}

void bf_send(struct bf_chan *c, const void *elem)
{
	c->send(elem);
}

bool bf_recv(struct bf_chan *c, void *elem)
{
	return c->recv(elem);
}

void bf_close(struct bf_chan *c)
{
	c->close();
}

} // extern "C"
