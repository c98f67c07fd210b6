/*
 * echo.c - a TCP server that sends back what it gets. Each connection has a goroutine, which waits for its own bytes
 * in plain blocking code; no thread waits with it.
 *
 *	./echo [port [connections]]	port 0: any that is free; connections: end after so many (else: never)
 */
#include <arpa/inet.h>
#include <gr.h>
#include <stdio.h>
#include <stdlib.h>

static gr_wg open_connections;

static void serve(void *arg)
{
	char buf[4096];
	ssize_t n;

	while ((n = gr_sock_read(arg, buf, sizeof(buf))) > 0) /* 0: the other side is done; less: an error */
		if (gr_sock_write(arg, buf, (size_t)n) < 0)
			break;
	gr_sock_close(arg);
	gr_wg_done(&open_connections);
}

static void run(void *arg)
{
	char **args = arg;
	long left = args[1] && args[2] ? atol(args[2]) : -1;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	gr_sock *listener, *s;

	a.sin_port = htons(args[1] ? (uint16_t)atoi(args[1]) : 0);
	if (gr_sock_listen((struct sockaddr *)&a, len, 0, &listener) < 0)
		exit(1);
	getsockname(gr_sock_fd(listener), (struct sockaddr *)&a, &len);
	printf("listening on 127.0.0.1:%d\n", ntohs(a.sin_port)); /* to stderr it takes 10 KB of stack */
	fflush(stdout);
	while (left-- != 0 && gr_sock_accept(listener, &s) == 0) {
		gr_wg_add(&open_connections, 1);
		if (gr_go(serve, s) < 0) /* no memory for another one: serve it before the next is accepted */
			serve(s);
	}
	gr_sock_close(listener);
	gr_wg_wait(&open_connections);
}

int main(int argc, char **argv)
{
	(void)argc;
	if (gr_start(NULL) < 0)
		return 1;
	gr_run(run, argv);
	gr_stop();
	return 0;
}
