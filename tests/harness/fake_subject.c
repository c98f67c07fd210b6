/*
 * fake_subject.c - a subject that keeps the protocol, or breaks it in the way that its name says.
 *
 * The tests link it under names subject-<way>: one binary, and the way is read from argv[0]. It links no model and does
 * no work; a region is a sleep.
 */
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const char *way, *self;

static bool is(const char *name)
{
	return strcmp(way, name) == 0;
}

static void say(const char *line)
{
	fputs(line, stdout);
	fputc('\n', stdout);
	fflush(stdout);
}

static void pause_us(long us)
{
	struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

	nanosleep(&t, NULL);
}

static void hang(void)
{
	for (;;)
		pause();
}

static void die(void)
{
	fputs("fake: about to die\n", stderr);
	signal(SIGABRT, SIG_DFL);
	abort();
}

static json_t *hear(void)
{
	static char line[70000];

	if (!fgets(line, sizeof line, stdin))
		return NULL;
	return json_loads(line, 0, NULL);
}

static void wait_for(const char *cmd)
{
	json_t *m = hear();
	const char *said = json_string_value(json_object_get(m, "cmd"));

	if (!said && is("deaflater"))
		hang();
	if (!said || strcmp(said, cmd) != 0)
		exit(is("contented") ? 0 : 1);
	json_decref(m);
}

static void describe(void)
{
	static const char state[] =
		"{\"name\":\"fake/state\",\"version\":1,\"summary\":\"\",\"op\":\"\",\"fairness\":\"\","
		"\"scaling\":\"state\",\"metric\":\"bytes_per_task\",\"smoke_ops\":1,\"offered\":true,\"params\":[]},";
	static const char delay[] =
		"{\"name\":\"fake/delay\",\"version\":1,\"summary\":\"\",\"op\":\"\",\"fairness\":\"\","
		"\"scaling\":\"linear\",\"metric\":\"delay_p99\",\"smoke_ops\":1,\"offered\":true,\"params\":[]},";

	if (is("baddescribe")) {
		say("{\"protocol\":1,\"id\":\"baddescribe\"}");
		return;
	}
	if (is("silent"))
		return;
	if (is("dies"))
		die();
	printf("{\"protocol\":1,\"id\":\"%s\",\"model\":\"fake\",\"language\":\"C\",%s\"build\":{},"
	       "\"capabilities\":{\"calibrate\":%s,\"certify\":%s,\"workers\":false,\"stats\":false},"
	       "\"knobs\":[{\"name\":\"speed\",\"default\":\"1\"},{\"name\":\"colour\",\"default\":\"red\"}],"
	       "\"workloads\":["
	       "{\"name\":\"fake/work\",\"version\":%d,\"summary\":\"sleeps\",\"op\":\"nothing\",\"fairness\":\"\","
	       "\"scaling\":\"linear\",\"metric\":\"%s\",\"smoke_ops\":10,%s\"offered\":true,\"params\":["
	       "{\"name\":\"%s\",\"kind\":\"int\",\"unit\":\"\",\"help\":\"\",\"default\":4,\"min\":1,\"max\":%d,"
	       "\"smoke\":1},"
	       "{\"name\":\"mode\",\"kind\":\"choice\",\"unit\":\"\",\"help\":\"\",\"default\":\"warm\","
	       "\"choices\":[\"warm\",\"cold\"],\"smoke\":\"warm\"}]},"
	       "{\"name\":\"fake/once\",\"version\":1,\"summary\":\"sleeps\",\"op\":\"nothing\",\"fairness\":\"\","
	       "\"scaling\":\"finite\",\"metric\":\"wall_per_op\",\"smoke_ops\":1,\"offered\":true,\"params\":[]},%s"
	       "{\"name\":\"fake/none\",\"version\":1,\"summary\":\"\",\"op\":\"\",\"fairness\":\"\","
	       "\"scaling\":\"finite\",\"metric\":\"wall_per_op\",\"smoke_ops\":1,\"offered\":false,\"params\":[]}]}\n",
	       way,
	       is("badyear")     ? "\"version\":\"1\",\"year\":44,"
	       : is("noversion") ? "\"year\":2022,"
	       : is("badlacks")  ? "\"lacks\":{\"mutex\":\"none\"},"
	       : is("foreign")   ? "\"version\":\"1.44.2\",\"year\":2022,\"lacks\":{\"fake/state\":\"no <stacks>\"},"
				 : "\"version\":\"0\",",
	       is("nocalibrate") ? "false" : "true",
	       is("nocertify") || strncmp(way, "other", 5) == 0 ? "false" : "true", is("oldversion") ? 0 : 1,
	       is("othermetric") ? "cpu_per_op" : "wall_per_op",
	       is("aa") || is("othername") ? "" : "\"ops_quantum\":3,\"quantum_param\":\"size\",",
	       is("othername") ? "length" : "size", is("otherbounds") ? 99 : 100,
	       is("state") || is("limited")      ? state
	       : is("delays") || is("fewdelays") ? delay
						 : "");
}

static void certify(void)
{
	json_t *cell;

	while ((cell = hear()) != NULL) {
		json_int_t ops = json_integer_value(json_object_get(cell, "ops"));

		printf("{\"cert\":{\"ops\":%lld,\"units\":0,\"checksum\":\"00000000000000aa\"}}\n",
		       (long long)(ops ? ops : 7));
		fflush(stdout);
		json_decref(cell);
	}
}

static void print_huge(void)
{
	char block[1000];

	memset(block, 'x', sizeof block);
	for (int i = 0; i < 100; i++)
		fwrite(block, 1, sizeof block, stdout);
	say("");
}

static void flood_stderr(void)
{
	for (int i = 0; i < 4000; i++)
		fprintf(stderr, "line %d of much text that nobody asked for, on and on and on and on\n", i);
	fputs("the last line\n", stderr);
}

/* What some say instead of `ready`. */
static void before_ready(void)
{
	if (is("hang"))
		hang();
	if (is("nomsg"))
		say("{\"message\":\"ready\"}");
	if (is("bignumber"))
		say("{\"msg\":\"ready\",\"threads\":9007199254740993}");
	if (is("crash"))
		die();
	if (is("leave"))
		exit(0);
	if (is("junk"))
		say("this is no JSON \xff\xfe");
	if (is("hugeline"))
		print_huge();
	if (is("outoforder"))
		say("{\"msg\":\"end\",\"wall_ns\":1}");
	if (is("floodstderr"))
		flood_stderr();
	if (is("unsupported"))
		say("{\"msg\":\"unsupported\",\"why\":\"single-threaded: a lock cannot contend\"}");
	if (is("tooslow"))
		say("{\"msg\":\"too_slow\",\"why\":\"estimated 40 s\",\"estimate_ns\":40000000000}");
	if (is("unsupported") || is("tooslow"))
		exit(0);
	if (is("error")) {
		say("{\"msg\":\"error\",\"why\":\"cannot open the file: No space left on device\"}");
		exit(1);
	}
}

/* Whether a file beside the binary says that this build is slow. */
static bool is_planted(void)
{
	char path[4200];

	snprintf(path, sizeof path, "%s.planted", self);
	return access(path, F_OK) == 0;
}

/* A number that differs from process to process. */
static unsigned long order_of_start(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long)t.tv_nsec / 64 * 2654435761u % 1000003 ^ (unsigned long)getpid() * 7919;
}

/* "rises" costs as much as "level" where size is 20. */
static long region_us(const json_t *cell)
{
	if (is("rises"))
		return 400 * (long)json_integer_value(json_object_get(json_object_get(cell, "params"), "size"));
	if (is("jitter") || is("jitter2")) /* alike, and never twice the same: the clock's last digits decide */
		return 1000 + (long)(order_of_start() % 6000);
	return is("slow") ? 60000 : is("level") || is_planted() ? 8000 : 2000;
}

/* "strays" leaves the CPUs that it was given for one that it was not. */
static void stray(void)
{
	cpu_set_t given, other;

	if (sched_getaffinity(0, sizeof given, &given) != 0)
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		CPU_ZERO(&other);
		CPU_SET(cpu, &other);
		if (!CPU_ISSET(cpu, &given) && sched_setaffinity(0, sizeof other, &other) == 0)
			break;
	}
}

static void region(const json_t *cell)
{
	struct timespec a, b;
	long long ns;

	if (is("nobegin"))
		return;
	say("{\"msg\":\"begin\"}");
	wait_for("ack");
	clock_gettime(CLOCK_MONOTONIC, &a);
	if (is("chatty"))
		say("{\"msg\":\"progress\",\"percent\":50}");
	if (is("noend"))
		exit(0);
	if (is("hangregion"))
		hang();
	if (is("crashregion"))
		die();
	if (is("strays"))
		stray();
	pause_us(region_us(cell));
	clock_gettime(CLOCK_MONOTONIC, &b);
	ns = (long long)(b.tv_sec - a.tv_sec) * 1000000000 + (b.tv_nsec - a.tv_nsec);
	if (is("lies"))
		ns += 2000000000;
	if (is("norusage"))
		printf("{\"msg\":\"end\",\"wall_ns\":%lld}\n", ns);
	else
		printf("{\"msg\":\"end\",\"wall_ns\":%lld,\"rusage\":{\"user_ns\":0,\"sys_ns\":0,\"vcsw\":1,"
		       "\"ivcsw\":0,\"minflt\":0,\"majflt\":0}}\n",
		       ns);
	fflush(stdout);
	wait_for("ack");
}

/* As many descriptors as it may have, then a word about it, then the error. */
static void run_into_limit(void)
{
	struct rlimit few = {40, 40};
	int n = 0;

	if (setrlimit(RLIMIT_NOFILE, &few) != 0)
		exit(1);
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
		n++;
	printf("{\"msg\":\"snapshot\",\"name\":\"limit\",\"live_tasks\":%d}\n", n);
	fflush(stdout);
	wait_for("ack");
	for (int fd = 3; fd < 40; fd++)
		close(fd);
	say("{\"msg\":\"error\",\"why\":\"cannot hold 100 tasks\"}");
	exit(1);
}

static void snapshots(void)
{
	say("{\"msg\":\"snapshot\",\"name\":\"base\",\"live_tasks\":0}");
	wait_for("ack");
	if (is("limited"))
		run_into_limit();
	say("{\"msg\":\"snapshot\",\"name\":\"live\",\"live_tasks\":100}");
	wait_for("ack");
}

/* A warm-up: one that is told as it should be, or one that is not. */
static void add_epochs(json_t *sample)
{
	static const int us[] = {900, 300, 100, 101, 100, 99, 100};
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof us / sizeof *us && (is("warms") || is("warmsodd")); i++)
		json_array_append_new(list,
				      json_pack("{s:i,s:i}", "ops", is("warmsodd") ? 0 : 10, "wall_ns", us[i] * 1000));
	if (is("warmsshort"))
		json_array_append_new(list, json_pack("{s:i,s:i}", "ops", 1, "wall_ns", 1));
	if (json_array_size(list))
		json_object_set(sample, "epochs", list);
	json_decref(list);
}

/* The notes repeat what the cell asked for, so that a test can see it in the records. */
static void say_sample(const json_t *cell, json_int_t ops)
{
	json_t *m =
		json_pack("{s:s, s:{s:I, s:i, s:s}, s:i, s:{}, s:{}, s:{s:O?, s:O?}}", "msg", "sample", "cert", "ops",
			  ops, "units", 0, "checksum", is("wrongcert") ? "00000000000000bb" : "00000000000000aa",
			  "setup_ns", 1, "knobs", "runtime", "notes", "asked", json_object_get(cell, "knobs"), "folder",
			  json_object_get(cell, "data_dir"));

	if (getenv("SWITCHYARD_PAD"))
		json_object_set_new(json_object_get(m, "notes"), "pad",
				    json_integer((json_int_t)strlen(getenv("SWITCHYARD_PAD"))));
	if (is("delays") || is("fewdelays"))
		json_object_set_new(m, "delays",
				    json_pack("{s:I,s:i,s:i,s:n}", "count", is("delays") ? ops : ops - 1, "p50", 50,
					      "p99", 99, "p99_9"));
	if (is("delays"))
		json_object_set_new(m, "figures", json_pack("{s:f}", "evenness", 0.5));
	add_epochs(m);
	if (is("foreign"))
		json_object_set_new(m, "stack", json_pack("{s:i,s:b}", "bytes", 65536, "grows", 0));
	if (is("foreign"))
		json_object_set_new(m, "knobs", json_pack("{s:s}", "threads", "4"));
	if (is("badknob"))
		json_object_set_new(m, "knobs", json_pack("{s:i}", "threads", 4));
	if (is("badstack"))
		json_object_set_new(m, "stack", json_pack("{s:n}", "bytes"));
	if (is("badfigure"))
		json_object_set_new(m, "figures", json_pack("{s:s}", "jain", "high"));
	if (is("nocert"))
		json_object_del(m, "cert");
	if (!is("unsaid"))
		json_object_set_new(m, "threads", json_integer(is("grows") ? 10 : 1));
	json_dumpf(m, stdout, JSON_COMPACT);
	json_decref(m);
	say("");
}

static int refuse(const char *why)
{
	printf("{\"msg\":\"error\",\"why\":\"%s\"}\n", why);
	return is("cheerful") ? 0 : 1;
}

/* What is wrong in the cell; NULL: nothing. Of each kind of fault there is one who does not see it. */
static const char *fault_of(const json_t *cell, const char *workload)
{
	json_t *params = json_object_get(cell, "params"), *value;
	bool is_work = strcmp(workload, "fake/work") == 0;
	const char *key;

	if (!is("anyversion") &&
	    json_integer_value(json_object_get(cell, "version")) != (is("oldversion") && is_work ? 0 : 1))
		return "another version";
	json_object_foreach (params, key, value) {
		bool is_size = strcmp(key, is("othername") ? "length" : "size") == 0;

		if (!is("anyparam") && !(is_work && (is_size || strcmp(key, "mode") == 0)))
			return "an unknown parameter";
		if (is_size && !is("anytype") && !json_is_integer(value))
			return "no number";
		if (is_size && !is("anyvalue") && json_integer_value(value) > (is("otherbounds") ? 99 : 100))
			return "too large";
	}
	return NULL;
}

static int run_cell(json_t *m)
{
	json_t *cell = json_object_get(m, "cell");
	const char *kind = json_string_value(json_object_get(m, "kind"));
	const char *workload = json_string_value(json_object_get(cell, "workload"));
	json_int_t ops = json_integer_value(json_object_get(cell, "ops"));

	if (is("anycommand") && !cell) {
		say("{\"msg\":\"ready\",\"threads\":1}");
		return 0;
	}
	if (!kind || !workload || (strncmp(workload, "fake/", 5) != 0 && !is("anyworkload")))
		return refuse("this is no cell");
	if (fault_of(cell, workload))
		return refuse(fault_of(cell, workload));
	if (is("strict") && json_object_get(cell, "x_unknown"))
		return refuse("an unknown key");
	if (strcmp(kind, "calibrate") == 0) {
		say(is("badcalibration")
			    ? "{\"msg\":\"sample\"}"
			    : "{\"msg\":\"sample\",\"calibration\":{\"ops\":1000,\"region_ns\":50000000}}");
		return 0;
	}
	before_ready();
	say(is("grows") ? "{\"msg\":\"ready\",\"threads\":2}" : "{\"msg\":\"ready\",\"threads\":1}");
	wait_for("go");
	if (is("snapshots"))
		say("{\"msg\":\"snapshot\",\"name\":\"nonsense\",\"live_tasks\":1}");
	if (strcmp(workload, "fake/state") == 0)
		snapshots();
	else
		region(cell);
	say_sample(cell, ops ? ops : 7);
	if (is("stays"))
		hang();
	return is("exit3") ? 3 : 0;
}

static int run(void)
{
	json_t *m = hear();
	int code;

	if (!m && is("deaf"))
		hang();
	code = run_cell(m);

	json_decref(m);
	return code;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];

	self = argv[0];
	way = strncmp(name, "subject-", 8) == 0 ? name + 8 : name;
	if (argc == 2 && strcmp(argv[1], "--describe") == 0)
		describe();
	else if (argc == 2 && strcmp(argv[1], "--certify") == 0)
		certify();
	else if (argc == 2 && strcmp(argv[1], "--run") == 0)
		return run();
	else
		return is("anyusage") ? 0 : 2;
	return 0;
}
