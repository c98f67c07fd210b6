/*
 * fake_server.c - a subject that is a server of known capacity, linked under names subject-<way>.
 *
 * "serves<us>" handles one request at a time and sleeps so many microseconds for each: it can never do more than 10^6/us a second,
 * on however fast a machine. "refuses" cannot do the workload; "dies" ends before it listens. The workload fake/server names its load
 * parameters as docs/subject-protocol.md has it; its certificate is empty.
 */
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 4, MESSAGE_BYTES = 64 };

static const char *way;

static void say(const char *line)
{
	puts(line);
	fflush(stdout);
}

static void describe(void)
{
	printf("{\"protocol\":1,\"id\":\"%s\",\"model\":\"fake\",\"language\":\"C\",\"version\":\"0\",\"build\":{},"
	       "\"capabilities\":{\"calibrate\":true,\"certify\":false,\"workers\":false,\"stats\":false},\"knobs\":[],"
	       "\"workloads\":[{\"name\":\"fake/server\",\"version\":1,\"summary\":\"\",\"op\":\"\",\"fairness\":\"\","
	       "\"scaling\":\"server\",\"metric\":\"cpu_per_op\",\"smoke_ops\":1,\"offered\":true,\"params\":["
	       "{\"name\":\"size\",\"kind\":\"int\",\"unit\":\"\",\"help\":\"\",\"default\":1,\"min\":1,\"max\":9,"
	       "\"smoke\":1},"
	       "{\"name\":\"percent\",\"kind\":\"int\",\"unit\":\"%%\",\"help\":\"\",\"default\":0,\"min\":0,\"max\":"
	       "500,"
	       "\"smoke\":0},"
	       "{\"name\":\"of\",\"kind\":\"choice\",\"unit\":\"\",\"help\":\"\",\"default\":\"slowest\","
	       "\"choices\":[\"slowest\",\"own\"],\"smoke\":\"slowest\"},"
	       "{\"name\":\"rate\",\"kind\":\"int\",\"unit\":\"\",\"help\":\"\",\"default\":0,\"min\":0,\"max\":9999,"
	       "\"smoke\":0}],\"knee\":{\"percent\":\"percent\",\"of\":\"of\",\"rate\":\"rate\"}}]}\n",
	       way);
}

static int listen_anywhere(int *port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof addr;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(fd, CONNECTIONS) < 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		exit(1);
	*port = ntohs(addr.sin_port);
	return fd;
}

/* False: the client has gone. */
static bool serve_one(int fd, long us)
{
	const struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
	char message[MESSAGE_BYTES];

	if (recv(fd, message, sizeof message, MSG_WAITALL) != sizeof message)
		return false;
	nanosleep(&t, NULL);
	return send(fd, message, sizeof message, MSG_NOSIGNAL) == sizeof message;
}

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A line of the harness's. False: stop. */
static bool command(void)
{
	static long long begin_ns;
	char line[1000];

	if (!fgets(line, sizeof line, stdin))
		exit(1);
	if (strstr(line, "\"begin\"")) {
		begin_ns = now_ns();
		say("{\"msg\":\"begin\"}");
	} else if (strstr(line, "\"end\"")) {
		printf("{\"msg\":\"end\",\"wall_ns\":%lld,\"rusage\":{\"user_ns\":1000,\"sys_ns\":0,\"vcsw\":0,"
		       "\"ivcsw\":0,"
		       "\"minflt\":0,\"majflt\":0}}\n",
		       now_ns() - begin_ns);
		fflush(stdout);
	} else {
		return false;
	}
	return true;
}

static void serve(const char *rate, long us)
{
	struct pollfd p[2 + CONNECTIONS] = {{.fd = STDIN_FILENO, .events = POLLIN}};
	int port, n = 2;

	p[1] = (struct pollfd){.fd = listen_anywhere(&port), .events = POLLIN};
	printf("{\"msg\":\"ready\",\"threads\":1,\"listen\":{\"port\":%d,\"connections\":%d,\"message_bytes\":%d%s}}\n",
	       port, CONNECTIONS, MESSAGE_BYTES, rate);
	fflush(stdout);
	for (;;) {
		poll(p, (nfds_t)n, -1);
		if (p[0].revents && !command())
			return;
		for (int i = 2; i < n; i++)
			if (p[i].revents && !serve_one(p[i].fd, us))
				p[i].fd = -1;
		if (p[1].revents && n < 2 + CONNECTIONS)
			p[n++] = (struct pollfd){.fd = accept(p[1].fd, NULL, NULL), .events = POLLIN};
	}
}

static int run(void)
{
	char line[4096], listen_rate[40] = "";
	json_t *m = fgets(line, sizeof line, stdin) ? json_loads(line, 0, NULL) : NULL;
	const json_t *params = json_object_get(json_object_get(m, "cell"), "params");
	json_int_t rate = json_integer_value(json_object_get(params, "rate"));

	if (strcmp(way, "refuses") == 0) {
		say("{\"msg\":\"unsupported\",\"why\":\"it has no sockets\"}");
		return 0;
	}
	if (!m || strncmp(way, "serves", 6) != 0)
		return 1;
	if (rate)
		snprintf(listen_rate, sizeof listen_rate, ",\"rate\":%lld", (long long)rate);
	json_decref(m);
	serve(listen_rate, atol(way + 6));
	say("{\"msg\":\"sample\",\"cert\":{\"ops\":1,\"units\":0,\"checksum\":\"00000000000000aa\"},\"setup_ns\":1,"
	    "\"threads\":1,"
	    "\"knobs\":{},\"runtime\":{},\"notes\":{}}");
	return 0;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];

	way = strncmp(name, "subject-", 8) == 0 ? name + 8 : name;
	if (argc == 2 && strcmp(argv[1], "--describe") == 0)
		describe();
	else if (argc == 2 && strcmp(argv[1], "--run") == 0)
		return run();
	else
		return 2;
	return 0;
}
