/*
 * What a parent and its launcher say to each other: in the memory of their claim page, behind the claims, and with an
 * event for each direction. No OS calls.
 *
 *   parent                                     launcher
 *   writes a request, then `asked`    -heard->
 *                                  <-answered- writes a report, then `answered`
 *   `committed`                       -heard->
 *   `over`, once there is nothing more to say; with a commit before it, in one -heard->
 *
 * The word says what has happened, the event only that the other side should look. So who waits looks at the word
 * before it waits, and again after: an event too many does no harm, and a word that was written just before its writer
 * died counts. Who waits for a word takes it, which leaves 0 there; if its writer did that instead, before the next
 * request, a slow reader would never see it. Nothing here has a name, so nobody else can open it.
 */
#ifndef HANDOFF_CHANNEL_H
#define HANDOFF_CHANNEL_H

#include "claim.h"

/* Another number whenever a launcher and a library of before could not talk any more: because of the page, the channel,
 * or wire.h. */
enum { PROTOCOL = 2 };

enum report_type {
    REPORT_SPAWNED = 1, /* the child exists, suspended */
    REPORT_FAILED       /* there is no child */
};

struct report {
    uint64_t process, thread; /* REPORT_SPAWNED: handles in the launcher */
    uint32_t process_id, thread_id;
    uint32_t type;
    uint32_t stage, pass, code; /* REPORT_FAILED: enum handoff_stage, index, Win32 code */
};

struct channel {
    struct report report;
    /* What the launcher was given, by its own numbers: a handle of the parent, and the two events. */
    uint32_t parent, heard_event, answered_event;
    _Atomic uint32_t reached;   /* the launcher has found all this: its protocol, which was TRUE in the first */
    _Atomic uint32_t answered;  /* there is a report on it */
    _Atomic uint32_t asked;     /* the size of a request, in bytes */
    _Atomic uint32_t committed; /* the child of that report is the parent's */
    uint32_t protocol;          /* the parent's. A launcher of protocol 1 reads here that all is over, and ends */
    _Atomic uint32_t over;      /* no request will come any more */
    uint32_t unused;
    uint8_t request[]; /* as wire.h has it */
};

_Static_assert(sizeof(struct channel) == 80, "both sides, of either width, agree on the channel");
_Static_assert(offsetof(struct channel, reached) == 52 && offsetof(struct channel, protocol) == 68,
               "both sides, of whatever protocol, find what the other one speaks");

/* The channel behind the claims; NULL if the page has none. */
static inline struct channel *channel_of(struct claim_page *page)
{
    size_t at = claim_page_size(page->count);

    return page->size >= at + sizeof(struct channel) ? (struct channel *)(void *)((char *)page + at) : NULL;
}

/* 0 if there is no word. */
static inline uint32_t channel_take(_Atomic uint32_t *word)
{
    return atomic_exchange(word, 0);
}

/* What a page with a channel has room for in a request, in bytes. */
static inline size_t channel_room(const struct claim_page *page)
{
    return page->size - claim_page_size(page->count) - sizeof(struct channel);
}

#endif
