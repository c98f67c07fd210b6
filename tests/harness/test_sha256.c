/* SHA-256 against the vectors of FIPS 180-4 and of NIST's test suite, and against itself in other pieces. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/plan/sha256.h"

static void digest(const void *data, size_t len, char hex[65])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, data, len);
	sha256_hex(&s, hex);
}

static void test_vectors(void **state)
{
	static const struct {
		const char *text, *hex;
	} vectors[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	char hex[65];

	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		digest(vectors[i].text, strlen(vectors[i].text), hex);
		assert_string_equal(hex, vectors[i].hex);
	}
}

static void test_million(void **state)
{
	char *a = malloc(1000000);
	char hex[65];

	(void)state;
	assert_non_null(a);
	memset(a, 'a', 1000000);
	digest(a, 1000000, hex);
	assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(a);
}

/* Every length around the block and padding borders, taken in in two pieces cut at every place. */
static void test_pieces(void **state)
{
	unsigned char data[200];
	char whole[65], pieces[65];

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (unsigned char)(i * 37 + 11);
	for (size_t len = 0; len <= sizeof data; len++) {
		digest(data, len, whole);
		for (size_t cut = 0; cut <= len; cut++) {
			struct sha256 s;

			sha256_init(&s);
			sha256_add(&s, data, cut);
			sha256_add(&s, data + cut, len - cut);
			sha256_hex(&s, pieces);
			assert_string_equal(pieces, whole);
		}
	}
}

static void test_file(void **state)
{
	char path[] = "/tmp/switchyard-sha256-XXXXXX";
	char hex[65];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "abc", 3), 3);
	close(fd);
	assert_int_equal(sha256_file(path, hex), 0);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	unlink(path);
	assert_int_equal(sha256_file(path, hex), -ENOENT);
	assert_int_equal(sha256_file("/", hex), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_million),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
