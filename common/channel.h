/*
 * What a parent and its launcher say to each other. Requests, commits and ends lie in the memory of their claim page,
 * behind the claims; the launcher's reports come over a pipe; and there is an event for each direction. No OS calls.
 *
 *   parent                                       launcher
 *   writes a request, then `asked`      -heard->
 *                                    <-reported- writes a report into the pipe, then `reported`
 *   `committed`                         -heard->
 *   `over`, once there is nothing more to say; with a commit before it, in one -heard->
 *
 * The word on the page says what has happened, the event only that the other side should look. So each side looks at
 * the word before it waits, and again after: an event too many does no harm, and a word counts that was written just
 * before its writer died. The side that waits for a word takes it, which leaves 0 there; if the writer did that
 * instead, before the next request, a slow reader would never see it. Nothing here has a name, so nobody else can open
 * it.
 *
 * A report is one message of REPORT_SIZE bytes, one for each request, in a pipe that has room for PIPE_SIZE. So writing
 * it never waits for its reader. The parent reads only what is there already, and only if that is one report exactly:
 * a launcher that has written nothing, a part or more can make a spawn fail, but cannot hold it up.
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
    uint32_t size; /* REPORT_SIZE */
    uint32_t type;
    uint64_t process, thread; /* REPORT_SPAWNED: handles in the launcher */
    uint32_t process_id, thread_id;
    uint32_t stage, pass, code; /* REPORT_FAILED: enum handoff_stage, index, Win32 code */
    uint32_t request_size;      /* of the request that it is about */
};

enum { REPORT_SIZE = sizeof(struct report), PIPE_SIZE = 4096 };

_Static_assert(REPORT_SIZE == 48, "both sides, of either width, agree on the report");

struct channel {
    /* What the launcher was given, by its own numbers: a handle of the parent, the two events, the pipe's writing
     * end. */
    uint32_t parent, heard_event, reported_event, report_pipe;
    uint32_t unused[9];
    _Atomic uint32_t reached;   /* the launcher has found all this: its protocol, which was TRUE in the first */
    _Atomic uint32_t reported;  /* there is a report in the pipe */
    _Atomic uint32_t asked;     /* the size of a request, in bytes */
    _Atomic uint32_t committed; /* the child of that report is the parent's */
    uint32_t protocol;          /* the parent's. A launcher of protocol 1 reads here that all is over, and ends */
    _Atomic uint32_t over;      /* no request will come any more */
    uint8_t request[];          /* as wire.h has it */
};

_Static_assert(sizeof(struct channel) == 76, "both sides, of either width, agree on the channel");
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
