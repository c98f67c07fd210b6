/*
 * grow_probe.c - a function with a check that calls one without: what the linker has made of its first instruction says
 * whether it looks after such calls (grow.c, W3). The build compiles this file, and of the runtime no other, with
 * -fsplit-stack; where the compiler cannot, the instruction is another one anyway.
 */
#include <unistd.h>

int gr__grow_probe(void);

int gr__grow_probe(void)
{
	volatile int parent = getppid();

	return parent + 1;
}
