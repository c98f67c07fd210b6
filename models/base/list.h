/*
 * list.h - an intrusive, circular, doubly linked list.
 *
 * The list is a link of its own that is not an element; empty means that it points to itself. A link that is on no
 * list points to itself too, so removing twice is harmless and membership can be asked. No locking: the owner of
 * the list says under which lock it is used.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

#include "align.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name)                                                                                                \
	{                                                                                                              \
		&(name), &(name)                                                                                       \
	}

static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* Put e between two neighbours. */
static inline void list_insert_between(struct list *e, struct list *prev, struct list *next)
{
	e->prev = prev;
	e->next = next;
	prev->next = e;
	next->prev = e;
}

static inline void list_push_front(struct list *l, struct list *e)
{
	list_insert_between(e, l, l->next);
}

static inline void list_push_back(struct list *l, struct list *e)
{
	list_insert_between(e, l->prev, l);
}

/* Take e off its list, if it is on one. */
static inline void list_remove(struct list *e)
{
	e->prev->next = e->next;
	e->next->prev = e->prev;
	list_init(e);
}

/* The first element's link, off the list now; NULL if there is none. */
static inline struct list *list_pop_front(struct list *l)
{
	struct list *e = l->next;

	if (e == l)
		return NULL;
	list_remove(e);
	return e;
}

/* Append all of `from` to l; `from` is empty afterwards. */
static inline void list_append_all(struct list *l, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = l->prev;
	from->prev->next = l;
	l->prev->next = from->next;
	l->prev = from->prev;
	list_init(from);
}

/* For each link e of l; e must stay on the list during its turn. */
#define list_for_each(e, l) for (struct list *e = (l)->next; e != (l); e = e->next)
/* The same, where e may be removed. */
#define list_for_each_safe(e, tmp, l) for (struct list *e = (l)->next, *tmp = e->next; e != (l); e = tmp, tmp = e->next)

#endif
