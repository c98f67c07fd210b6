/*
 * room.c - public functions behind which more of the stack is used than a small one has.
 *
 * This object says nothing of small stacks (grow.h), so the linker has every caller that has checks ask for the room of
 * foreign code before it comes here. What else is in such objects: select.c, cond.c, net_connect.c, net_message.c, file.c
 * and all that is done once. On a page stack these are jumps.
 */
#include "grow.h"
#include "internal.h"

void gr_foreign(void (*fn)(void *), void *arg)
{
	if (unlikely(!fn))
		gr__fatal("gr_foreign: the function is NULL");
	fn(arg);
}

int gr_chan_send_timeout(gr_chan *c, const void *elem, uint64_t timeout_ns)
{
	return gr__chan_send_timeout(c, elem, timeout_ns);
}

int gr_chan_recv_timeout(gr_chan *c, void *elem, uint64_t timeout_ns)
{
	return gr__chan_recv_timeout(c, elem, timeout_ns);
}

int gr_sema_acquire_timeout(_Atomic uint32_t *sema, uint64_t timeout_ns)
{
	return gr__sema_acquire_timeout(sema, timeout_ns);
}

int gr_wg_wait_timeout(gr_wg *wg, uint64_t timeout_ns)
{
	return gr__wg_wait_timeout(wg, timeout_ns);
}

int gr_mutex_lock_timeout(gr_mutex *m, uint64_t timeout_ns)
{
	return gr__mutex_lock_timeout(m, timeout_ns);
}

int gr_rwmutex_rlock_timeout(gr_rwmutex *rw, uint64_t timeout_ns)
{
	return gr__rwmutex_rlock_timeout(rw, timeout_ns);
}

int gr_rwmutex_lock_timeout(gr_rwmutex *rw, uint64_t timeout_ns)
{
	return gr__rwmutex_lock_timeout(rw, timeout_ns);
}

int gr_go_with(const struct gr_attr *attr, void (*fn)(void *), void *arg)
{
	return gr__go_with(attr, fn, arg, gr_go_named);
}

int gr_go_with_grow(const struct gr_attr *attr, void (*fn)(void *), void *arg)
{
	return gr__go_with(attr, fn, arg, gr_go_named_grow);
}
