/*
 * symbols.h - the names of functions by address, without memory of the libc and without its locks.
 */
#ifndef GR_SYMBOLS_H
#define GR_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GR__MODULES = 64, GR__SYMBOL_CACHE = 256 };

/* A file that is mapped with code in it: the program or a library. */
struct gr__module {
	uintptr_t lo, hi; /* where its code is */
	uint64_t file_at; /* offset in the file of lo */
	char path[256];
	const char *name; /* the last part of path */
	const unsigned char *file; /* the whole of it, mapped when first asked for */
	size_t bytes;
	bool is_looked_at; /* it has been opened, or could not be */
	bool is_program; /* /proc/self/exe, whatever its path means now */
	const void *symbols, *names; /* its symbol table and that one's strings, or NULL */
	size_t n_symbols, names_bytes;
};

struct gr__symbol {
	uintptr_t pc; /* of the question; 0: none */
	bool is_return; /* likewise */
	const char *name; /* or NULL: not known; good until gr__symbols_close */
	const char *module; /* or NULL: in no file */
	uint64_t offset; /* in the function; without a name: the address as the module's own tables have it */
};

/* Large: to be had from the kernel, not from a stack. All zero: not open. */
struct gr__symbols {
	struct gr__module modules[GR__MODULES];
	unsigned n;
	struct gr__symbol cache[GR__SYMBOL_CACHE];
	char text[4096 + 512]; /* of the list of mappings */
};

/* Read which modules there are. What cannot be had is left out: then names are missing, nothing else. */
void gr__symbols_open(struct gr__symbols *s);
void gr__symbols_close(struct gr__symbols *s);
/* What is at pc. `is_return`: pc is where a call returns to, so that the call, before it, is what is meant. */
struct gr__symbol gr__symbols_find(struct gr__symbols *s, uintptr_t pc, bool is_return);

#endif
