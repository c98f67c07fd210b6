/*
 * sha256.h - the digest that names a binary in a run's record (FIPS 180-4).
 */
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
	uint32_t h[8];
	uint64_t bytes; /* taken so far */
	uint8_t block[64]; /* the part of them that fills no block yet */
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t n);
void sha256_hex(struct sha256 *s, char out[65]); /* ends it */

/* Digest of a file in `out`; -errno when it cannot be read. */
int sha256_file(const char *path, char out[65]);

#endif
