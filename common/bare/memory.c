/* The compiler may call these for copies and initialisers of its own. */
#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    unsigned char *t = to;
    const unsigned char *f = from;

    while (size-- > 0)
        *t++ = *f++;
    return to;
}

void *memset(void *at, int value, size_t size)
{
    unsigned char *p = at;

    while (size-- > 0)
        *p++ = (unsigned char)value;
    return at;
}
