/*
 * symbols.c - the names of functions by address.
 *
 * For dumps, which are made when a program is at its worst: memory corrupted, a lock of the allocator or of the dynamic
 * linker held by the very thread that dies. So nothing here calls either. Rejected: backtrace_symbols (allocates), dladdr
 * (knows exported names only, and takes the linker's lock), dl_iterate_phdr (takes it too: a thread that is in dlopen may
 * hold it while it waits for an allocator's lock that we hold).
 *
 * The kernel tells what is mapped where (/proc/self/maps); the file of an address is mapped as a whole, and its symbol
 * table (.symtab, else .dynsym) is searched from end to end. That is slow, some 100 us for a large program, and so each
 * answer is remembered: a dump has few different addresses and asks for them again and again.
 *
 * What a file says about itself is not believed: each offset and size is compared with the file's own size.
 */
#include "symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what is mapped where -------------------------------------------------------------------------------- */

/* A hexadecimal number; *at is moved behind it. */
static uint64_t take_hex(const char **at)
{
	uint64_t v = 0;

	for (;; (*at)++) {
		char c = **at;

		if (c >= '0' && c <= '9')
			v = v * 16 + (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (uint64_t)(c - 'a') + 10;
		else
			return v;
	}
}

static void skip_word(const char **at)
{
	while (**at && **at != ' ')
		(*at)++;
	while (**at == ' ')
		(*at)++;
}

/* "lo-hi perms offset device inode path", one line without its end. Only code is wanted. */
static void add_mapping(struct gr__symbols *s, const char *line, const char *program)
{
	struct gr__module *m = &s->modules[s->n];
	const char *slash;

	if (s->n == GR__MODULES)
		return;
	memset(m, 0, sizeof(*m));
	m->lo = (uintptr_t)take_hex(&line);
	line += *line == '-';
	m->hi = (uintptr_t)take_hex(&line);
	line += *line == ' ';
	if (strlen(line) < 4 || line[2] != 'x')
		return;
	skip_word(&line);
	m->file_at = take_hex(&line);
	line += *line == ' ';
	skip_word(&line);
	skip_word(&line);
	if (!*line || strlen(line) >= sizeof(m->path))
		return;
	strcpy(m->path, line);
	m->is_program = *program && !strcmp(line, program);
	slash = strrchr(m->path, '/');
	m->name = slash ? slash + 1 : m->path;
	s->n++;
}

void gr__symbols_open(struct gr__symbols *s)
{
	char program[256];
	ssize_t got = readlink("/proc/self/exe", program, sizeof(program) - 1);
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t n = 0;

	program[got > 0 ? got : 0] = '\0';
	s->n = 0;
	memset(s->cache, 0, sizeof(s->cache));
	if (fd < 0)
		return;
	while ((got = read(fd, s->text + n, sizeof(s->text) - 1 - n)) > 0) {
		char *line = s->text, *end;

		n += (size_t)got;
		s->text[n] = '\0';
		while ((end = strchr(line, '\n'))) {
			*end = '\0';
			add_mapping(s, line, program);
			line = end + 1;
		}
		n -= (size_t)(line - s->text);
		memmove(s->text, line, n);
		if (n == sizeof(s->text) - 1)
			n = 0; /* a line longer than all that: not one that could be of use */
	}
	close(fd);
}

void gr__symbols_close(struct gr__symbols *s)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->modules[i].file)
			munmap((void *)(uintptr_t)s->modules[i].file, s->modules[i].bytes);
	s->n = 0;
}

/* ---- files --------------------------------------------------------------------------------------------------- */

static bool is_in_file(const struct gr__module *m, uint64_t at, uint64_t bytes)
{
	return at <= m->bytes && bytes <= m->bytes - at && at % 8 == 0;
}

static void map_file(struct gr__module *m)
{
	int fd = open(m->is_program ? "/proc/self/exe" : m->path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *mem;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		mem = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (mem != MAP_FAILED) {
			m->file = mem;
			m->bytes = (size_t)st.st_size;
		}
	}
	close(fd);
}

/* The header of a file for this machine, or NULL. */
static const Elf64_Ehdr *header_of(const struct gr__module *m)
{
	const Elf64_Ehdr *e = (const void *)m->file;

	if (!m->file || !is_in_file(m, 0, sizeof(*e)) || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 ||
	    e->e_ident[EI_CLASS] != ELFCLASS64)
		return NULL;
	return e;
}

static const Elf64_Shdr *section_of(const struct gr__module *m, const Elf64_Ehdr *e, uint32_t i)
{
	uint64_t at = e->e_shoff + (uint64_t)i * sizeof(Elf64_Shdr);

	if (i >= e->e_shnum || e->e_shentsize != sizeof(Elf64_Shdr) || !is_in_file(m, at, sizeof(Elf64_Shdr)))
		return NULL;
	return (const void *)(m->file + at);
}

static void find_table(struct gr__module *m, const Elf64_Ehdr *e, uint32_t type)
{
	for (uint32_t i = 0; i < e->e_shnum && !m->symbols; i++) {
		const Elf64_Shdr *table = section_of(m, e, i), *names;

		if (!table || table->sh_type != type || !is_in_file(m, table->sh_offset, table->sh_size))
			continue;
		names = section_of(m, e, table->sh_link);
		if (!names || names->sh_offset > m->bytes || names->sh_size > m->bytes - names->sh_offset)
			continue;
		m->symbols = m->file + table->sh_offset;
		m->n_symbols = table->sh_size / sizeof(Elf64_Sym);
		m->names = m->file + names->sh_offset;
		m->names_bytes = names->sh_size;
	}
}

static void look_at(struct gr__module *m)
{
	const Elf64_Ehdr *e;

	m->is_looked_at = true;
	map_file(m);
	e = header_of(m);
	if (!e)
		return;
	find_table(m, e, SHT_SYMTAB);
	find_table(m, e, SHT_DYNSYM);
}

/* An address as the module's own tables have it. */
static uint64_t address_in(const struct gr__module *m, uintptr_t pc)
{
	uint64_t at = pc - m->lo + m->file_at;
	const Elf64_Ehdr *e = header_of(m);

	for (uint32_t i = 0; e && i < e->e_phnum && e->e_phentsize == sizeof(Elf64_Phdr); i++) {
		uint64_t ph_at = e->e_phoff + (uint64_t)i * sizeof(Elf64_Phdr);
		const Elf64_Phdr *ph = (const void *)(m->file + ph_at);

		if (!is_in_file(m, ph_at, sizeof(*ph)))
			break;
		if (ph->p_type == PT_LOAD && at >= ph->p_offset && at - ph->p_offset < ph->p_filesz)
			return at - ph->p_offset + ph->p_vaddr;
	}
	return at;
}

/* The name of the function that `at` is in, and where it begins; NULL: not known. */
static const char *function_at(const struct gr__module *m, uint64_t at, uint64_t *begin)
{
	const Elf64_Sym *symbols = m->symbols;
	const char *names = m->names;

	for (size_t i = 0; i < m->n_symbols; i++) {
		const Elf64_Sym *sym = &symbols[i];

		if (ELF64_ST_TYPE(sym->st_info) != STT_FUNC || sym->st_shndx == SHN_UNDEF || at < sym->st_value ||
		    at - sym->st_value >= sym->st_size || sym->st_name >= m->names_bytes)
			continue;
		if (!memchr(names + sym->st_name, '\0', m->names_bytes - sym->st_name))
			continue;
		*begin = sym->st_value;
		return names + sym->st_name;
	}
	return NULL;
}

/* ---- answers -------------------------------------------------------------------------------------------------- */

static struct gr__symbol find(struct gr__symbols *s, uintptr_t pc, bool is_return)
{
	struct gr__symbol found = {.pc = pc, .is_return = is_return};
	uintptr_t meant = pc - is_return;
	uint64_t begin = 0;

	for (unsigned i = 0; i < s->n; i++) {
		struct gr__module *m = &s->modules[i];

		if (meant < m->lo || meant >= m->hi)
			continue;
		if (!m->is_looked_at)
			look_at(m);
		found.module = m->name;
		found.name = function_at(m, address_in(m, meant), &begin);
		found.offset = address_in(m, meant) - begin + is_return;
		break;
	}
	return found;
}

struct gr__symbol gr__symbols_find(struct gr__symbols *s, uintptr_t pc, bool is_return)
{
	struct gr__symbol *known = &s->cache[(pc >> 2 ^ pc >> 10) % GR__SYMBOL_CACHE];

	if (known->pc != pc || known->is_return != is_return)
		*known = find(s, pc, is_return);
	return *known;
}
