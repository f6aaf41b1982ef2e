/* Memory of the process' heap, for programs with and without a C runtime. */
#ifndef HANDOFF_HEAP_H
#define HANDOFF_HEAP_H

#include <stddef.h>

void *allocate(size_t size); /* zeroed; NULL if there is none */
void release(void *memory);  /* may be NULL */

#endif
