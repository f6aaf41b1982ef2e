/*
 * The claim page: who may take a duplicate, and who may close it. No OS calls.
 *
 * A handle number may be recycled by any thread of its process the moment it is closed, so no
 * number is stolen or closed on memory alone. Parent and takers share this page, and each
 * duplicate's state decides:
 *
 *   offered --(a taker)--> taking --(that taker)--> taken
 *   offered --(the parent)--> withdrawn, and only then does the parent close its duplicate
 *
 * The two first steps exclude each other by a compare-and-swap. DUPLICATE_CLOSE_SOURCE closes the
 * source whatever else happens, so a taker that got as far as "taking" goes on to "taken" even if
 * its steal failed. "Taking" by a dead taker cannot be decided: nobody may close that number.
 */
#ifndef HANDOFF_CLAIM_H
#define HANDOFF_CLAIM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum claim_state { CLAIM_FREE, CLAIM_OFFERED, CLAIM_TAKING, CLAIM_TAKEN, CLAIM_WITHDRAWN };

struct claim {
    uint64_t number;   /* the duplicate, in the parent */
    uint32_t taken_as; /* the handle's number in the taker, for who wants to show it */
    _Atomic uint32_t state;
};

struct claim_page {
    uint64_t nonce; /* no other page of this process has or had it at the same number */
    uint32_t count;
    uint32_t size; /* of the whole page, in bytes, if a channel lies behind the claims: a launcher's page */
    struct claim claims[];
};

_Static_assert(sizeof(struct claim) == 16, "both sides, of either width, agree on the page");
_Static_assert(sizeof(struct claim_page) == 16, "both sides, of either width, agree on the page");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a lock would not be shared between processes");

/* The size of a page with that many claims and nothing behind them, in bytes. */
static inline size_t claim_page_size(size_t count)
{
    return sizeof(struct claim_page) + count * sizeof(struct claim);
}

/* Whether these bytes are the page of that nonce. */
static inline bool claim_page_is_whole(const struct claim_page *page, size_t bytes, uint64_t nonce)
{
    return bytes >= sizeof *page && page->nonce == nonce && page->count > 0 &&
           page->count <= (bytes - sizeof *page) / sizeof page->claims[0] && page->size <= bytes;
}

static inline bool claim_move(struct claim *claim, uint32_t from, uint32_t to)
{
    return atomic_compare_exchange_strong(&claim->state, &from, to);
}

/* Parent: the number is good and may be taken from now on. */
static inline void claim_offer(struct claim *claim, uint64_t number)
{
    claim->number = number;
    atomic_store(&claim->state, CLAIM_OFFERED);
}

/* Parent: true if nobody took it or ever will, so the number is the parent's to close. */
static inline bool claim_withdraw(struct claim *claim)
{
    return claim_move(claim, CLAIM_OFFERED, CLAIM_WITHDRAWN);
}

/* Taker: true if the number is now this taker's to steal. */
static inline bool claim_begin(struct claim *claim)
{
    return claim_move(claim, CLAIM_OFFERED, CLAIM_TAKING);
}

/* Taker, after claim_begin: the steal has been tried; `taken_as` is 0 if it failed. */
static inline void claim_end(struct claim *claim, uint32_t taken_as)
{
    claim->taken_as = taken_as;
    atomic_store(&claim->state, CLAIM_TAKEN);
}

static inline uint32_t claim_state(struct claim *claim)
{
    return atomic_load(&claim->state);
}

#endif
