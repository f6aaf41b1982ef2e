/* Memory of the process' heap, for programs with and without a C runtime. */
#ifndef HANDOFF_HEAP_H
#define HANDOFF_HEAP_H

#include <stddef.h>

#include "text.h"

void *allocate(size_t size); /* zeroed; NULL if there is none */
void release(void *memory);  /* may be NULL */

/* How a text of any length is written: it is put into a text of capacity 0, which only counts, then this gives the text
 * memory for as many units and a NUL and empties it, and it is put again. False if there is no memory. */
bool text_allocate(struct text *text);

#endif
