/*
 * utf8.h - bytes of foreign origin as text: jansson refuses strings that are not UTF-8, and then a whole message is lost.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/* Length of the well-formed sequence that starts here and ends within n bytes, or 0. */
size_t utf8_length(const char *s, size_t n);

/*
 * Make one line of text of it, in place: what is not UTF-8, and control characters, become '?'. A text that was cut to fit
 * its buffer may end in half a character.
 */
void utf8_clean(char *text);

#endif
