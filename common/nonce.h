/* Numbers that nobody else in this process has. */
#ifndef HANDOFF_NONCE_H
#define HANDOFF_NONCE_H

#include <stdint.h>

/* Unique in this process for ever, and unlike that of any other copy of this code in it. */
uint64_t make_nonce(void);

#endif
