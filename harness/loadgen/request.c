/* request.c - see request.h. */
#include "harness/loadgen/request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/loadgen/http.h"

enum {
	DEFAULT_TIMEOUT_MS = 10 * 1000, /* of the server, for the next byte */
	MAX_CONNECTIONS = 1000 * 1000,
	MAX_MESSAGE_BYTES = 16 * 1024 * 1024,
	MAX_DATAGRAM_BYTES = 65507, /* of IPv4 */
	MAX_RATE = 100 * 1000 * 1000,
};
#define MAX_PHASE_NS (UINT64_C(3600) * CLOCK_NS_PER_SEC)
#define MAX_MESSAGE_MEMORY (UINT64_C(1) << 30) /* connections * message_bytes */

static int get_int(const json_t *object, const char *key, uint64_t min, uint64_t max, uint64_t *out, struct err *e)
{
	const json_t *v = json_object_get(object, key);
	json_int_t value = json_integer_value(v);

	if (!json_is_integer(v))
		return err_set(e, -EINVAL, "\"%s\" must be a whole number", key);
	if (value < 0 || (uint64_t)value < min || (uint64_t)value > max)
		return err_set(e, -EINVAL,
			       "\"%s\" is %" JSON_INTEGER_FORMAT ", and must be between %" PRIu64 " and %" PRIu64, key,
			       value, min, max);
	*out = (uint64_t)value;
	return 0;
}

static int get_string(const json_t *object, const char *key, const char **out, struct err *e)
{
	*out = json_string_value(json_object_get(object, key));
	return *out ? 0 : err_set(e, -EINVAL, "\"%s\" must be a string", key);
}

/* A field that may be left out. */
static int get_optional(const json_t *object, const char *key, uint64_t min, uint64_t max, uint64_t *out, struct err *e)
{
	return json_object_get(object, key) ? get_int(object, key, min, max, out, e) : 0;
}

static int get_protocol(const json_t *line, struct load_config *c, struct err *e)
{
	static const char *const names[] = {[LOAD_ECHO] = "echo", [LOAD_HTTP] = "http", [LOAD_UDP] = "udp"};
	const char *name;

	if (!json_object_get(line, "protocol"))
		return 0;
	if (get_string(line, "protocol", &name, e) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			c->protocol = (enum load_protocol)i;
			return 0;
		}
	}
	return err_set(e, -EINVAL, "\"protocol\" must be \"echo\", \"http\" or \"udp\", not \"%.32s\"", name);
}

static int get_hdr_file(const json_t *line, struct load_request *out, struct err *e)
{
	const char *path;

	if (!json_object_get(line, "hdr_file"))
		return 0;
	if (get_string(line, "hdr_file", &path, e) < 0)
		return -EINVAL;
	if ((size_t)snprintf(out->hdr_file, sizeof(out->hdr_file), "%s", path) >= sizeof(out->hdr_file))
		return err_set(e, -EINVAL, "\"hdr_file\" is longer than a path may be");
	return 0;
}

static int get_strings(const json_t *line, struct load_config *c, struct err *e)
{
	const char *cmd, *mode, *host, *seed;

	if (get_string(line, "cmd", &cmd, e) < 0 || get_string(line, "mode", &mode, e) < 0 ||
	    get_string(line, "host", &host, e) < 0 || get_string(line, "seed", &seed, e) < 0)
		return -EINVAL;
	if (strcmp(cmd, "load") != 0)
		return err_set(e, -EINVAL, "the first command must be \"load\", not \"%.32s\"", cmd);
	if (strcmp(mode, "closed") != 0 && strcmp(mode, "open") != 0)
		return err_set(e, -EINVAL, "\"mode\" must be \"closed\" or \"open\", not \"%.32s\"", mode);
	if (strcmp(mode, "open") == 0 && get_int(line, "rate", 1, MAX_RATE, &c->rate, e) < 0)
		return -EINVAL;
	if (get_protocol(line, c, e) < 0)
		return -EINVAL;
	if (inet_pton(AF_INET, host, &c->host) != 1)
		return err_set(e, -EINVAL, "\"host\" must be an IPv4 address, not \"%.64s\"", host);
	if (strlen(seed) != 16 || strspn(seed, "0123456789abcdefABCDEF") != 16)
		return err_set(e, -EINVAL, "\"seed\" must be 16 hexadecimal digits, not \"%.32s\"", seed);
	c->seed = strtoull(seed, NULL, 16);
	return 0;
}

/* What a message of the protocol can be. */
static int check_sizes(const struct load_config *c, uint64_t message_bytes, struct err *e)
{
	if (c->protocol == LOAD_HTTP && message_bytes < LOAD_HTTP_MIN_REQUEST)
		return err_set(e, -EINVAL, "an HTTP request of %" PRIu64 " bytes is too short: %d at least",
			       message_bytes, LOAD_HTTP_MIN_REQUEST);
	if (c->protocol == LOAD_UDP && message_bytes > MAX_DATAGRAM_BYTES)
		return err_set(e, -EINVAL, "a datagram of %" PRIu64 " bytes is too long: %d at most", message_bytes,
			       MAX_DATAGRAM_BYTES);
	if (c->protocol == LOAD_UDP && c->reconnects)
		return err_set(e, -EINVAL, "datagrams have no connections to be made anew");
	if (c->connections * message_bytes > MAX_MESSAGE_MEMORY)
		return err_set(e, -EINVAL,
			       "%" PRIu32 " connections of %" PRIu64 " bytes need more than 1 GiB of messages",
			       c->connections, message_bytes);
	return 0;
}

int load_request_parse(const json_t *line, struct load_request *out, struct err *e)
{
	struct load_config *c = &out->config;
	uint64_t port, connections, message_bytes, active, response_bytes = 0, timeout_ms = DEFAULT_TIMEOUT_MS;

	*out = (struct load_request){0};
	if (get_strings(line, c, e) < 0 || get_int(line, "port", 1, UINT16_MAX, &port, e) < 0 ||
	    get_int(line, "connections", 1, MAX_CONNECTIONS, &connections, e) < 0 ||
	    get_int(line, "message_bytes", 1, MAX_MESSAGE_BYTES, &message_bytes, e) < 0 ||
	    get_int(line, "warmup_ns", 0, MAX_PHASE_NS, &out->warmup_ns, e) < 0 ||
	    get_int(line, "duration_ns", 1, MAX_PHASE_NS, &out->duration_ns, e) < 0)
		return -EINVAL;
	active = connections;
	if (get_optional(line, "timeout_ms", 1, INT32_MAX, &timeout_ms, e) < 0 ||
	    get_optional(line, "active", 1, connections, &active, e) < 0 ||
	    get_optional(line, "response_bytes", 0, MAX_MESSAGE_BYTES, &response_bytes, e) < 0 ||
	    get_hdr_file(line, out, e) < 0)
		return -EINVAL;
	c->port = (uint16_t)port;
	c->connections = (uint32_t)connections;
	c->active = (uint32_t)active;
	c->message_bytes = (uint32_t)message_bytes;
	c->response_bytes = (uint32_t)response_bytes;
	c->reconnects = json_is_true(json_object_get(line, "reconnects"));
	c->timeout_ns = timeout_ms * CLOCK_NS_PER_MSEC;
	return check_sizes(c, message_bytes, e);
}
