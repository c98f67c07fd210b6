/* utf8.c - see utf8.h. */
#include "harness/base/utf8.h"

#include <string.h>

size_t utf8_length(const char *text, size_t left)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = left == 0                      ? 0
		   : s[0] < 0x80                  ? 1
		   : s[0] >= 0xc2 && s[0] <= 0xdf ? 2
		   : (s[0] & 0xf0) == 0xe0        ? 3
		   : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
						  : 0;

	if (n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if (n > 1 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
		      (s[0] == 0xf4 && s[1] > 0x8f)))
		return 0; /* overlong, a surrogate, or beyond the last code point */
	return n;
}

void utf8_clean(char *text)
{
	for (size_t left = strlen(text); left > 0;) {
		size_t n = utf8_length(text, left);

		if (n == 0 || (n == 1 && ((unsigned char)*text < 0x20 || *text == 0x7f))) {
			*text = '?';
			n = 1;
		}
		text += n;
		left -= n;
	}
}
