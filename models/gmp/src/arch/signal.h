/*
 * signal.h - what a signal handler is told of the thread that it has interrupted, per CPU architecture.
 */
#ifndef GR_ARCH_SIGNAL_H
#define GR_ARCH_SIGNAL_H

#include <stdint.h>
#include <ucontext.h>

/* Where it was: program counter and frame pointer. `context` is the handler's third argument. */
static inline void gr__context_at(const void *context, uintptr_t *pc, uintptr_t *fp)
{
	const ucontext_t *uc = context;

#if defined(__x86_64__)
	*pc = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
	*fp = (uintptr_t)uc->uc_mcontext.gregs[REG_RBP];
#elif defined(__aarch64__)
	*pc = (uintptr_t)uc->uc_mcontext.pc;
	*fp = (uintptr_t)uc->uc_mcontext.regs[29];
#else
#error "no context for this architecture"
#endif
}

#endif
