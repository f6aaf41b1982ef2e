#include "channel.h"

#include <string.h>

#include "unit.h"

/*
 * The model: a parent and its launcher, each of which does its atomic steps one by one, in the order of
 * parent/channel.c and launcher/broker/service.c. Each may die between any two of its steps, and the launcher may
 * become mute: its event fails. All interleavings are walked through. What is looked for is a state in which both wait,
 * a read that finds anything but one report on this request, and a child whose fate is not its parent's will.
 */
enum {
    ASK,
    WAKE_TO_REQUEST,
    LOOK_FOR_REPORT,
    WAIT_FOR_REPORT,
    TAKE_WORD_OF_REPORT,
    READ_REPORT,
    ADOPT,
    COMMIT,
    WAKE_TO_COMMIT,
    SWEEP, /* ends a child that a dead launcher has left */
    END,
    WAKE_TO_END,
    DONE
};
enum { LOOK, LOOK_FOR_END, WAIT, TAKE_WORD, CREATE, WRITE_REPORT, SAY_REPORTED, WAKE_PARENT, TAKE_BACK, GONE };
enum { MOST_ROUNDS = 3, CODES = 1 << 27 };

struct world {
    struct channel channel;
    int piped;            /* reports in the pipe */
    bool heard, reported; /* the events */
    int parent, launcher; /* their next steps */
    bool dead;            /* the parent */
    bool mute, killed;    /* the launcher */
    bool has_child;       /* the launcher: its own to end, unless the commit that it waits for comes */
    bool orphan;          /* a child that a killed launcher has left: suspended, or the parent's */
    bool failed;          /* the parent knows that there is no child */
    int asked, committed, created, kept;
};

static int rounds;
static bool one_shot; /* all is over with the commit */
static uint8_t seen[CODES / 8];
static long endings;

static int commit(struct world *world)
{
    world->committed++;
    atomic_store(&world->channel.committed, 1);
    world->kept += world->orphan; /* it needs no launcher any more */
    world->orphan = false;
    return one_shot ? END : WAKE_TO_COMMIT;
}

static int take_word_of_report(struct world *world)
{
    if (channel_take(&world->channel.reported) != 0)
        return READ_REPORT;
    require(world->mute || world->killed, "a report is lost");
    return SWEEP;
}

static int read_report(struct world *world)
{
    require(world->piped == 1 && world->created == world->asked, "%d reports, on request %d of %d", world->piped,
            world->created, world->asked);
    world->piped = 0;
    return ADOPT;
}

/* Both steps return false if the one can but wait, or has ended. */
static bool step_parent(struct world *world)
{
    struct channel *channel = &world->channel;

    switch (world->parent) {
    case ASK:
        world->asked++;
        atomic_store(&channel->asked, 1);
        world->parent = WAKE_TO_REQUEST;
        break;
    case WAKE_TO_REQUEST:
        world->heard = true;
        world->parent = LOOK_FOR_REPORT;
        break;
    case LOOK_FOR_REPORT:
        world->parent = atomic_load(&channel->reported) != 0 ? TAKE_WORD_OF_REPORT : WAIT_FOR_REPORT;
        break;
    case WAIT_FOR_REPORT:
        if (!world->reported && world->launcher != GONE)
            return false;
        world->parent = world->reported ? LOOK_FOR_REPORT : TAKE_WORD_OF_REPORT;
        world->reported = false;
        break;
    case TAKE_WORD_OF_REPORT: world->parent = take_word_of_report(world); break;
    case READ_REPORT: world->parent = read_report(world); break;
    case ADOPT: world->parent = world->launcher != GONE ? COMMIT : SWEEP; break; /* its handle is in the launcher */
    case COMMIT: world->parent = commit(world); break;
    case WAKE_TO_COMMIT:
        world->heard = true;
        world->parent = world->asked < rounds ? ASK : END;
        break;
    case SWEEP:
        world->failed = true;
        world->orphan = false;
        world->parent = END;
        break;
    case END:
        atomic_store(&channel->over, 1);
        world->parent = WAKE_TO_END;
        break;
    case WAKE_TO_END:
        world->heard = true;
        world->parent = DONE;
        break;
    default: return false;
    }
    return true;
}

static _Atomic uint32_t *awaited(struct world *world)
{
    return world->has_child ? &world->channel.committed : &world->channel.asked;
}

/* Without a word the launcher ends its child, if it has one, and itself. */
static int take_word(struct world *world)
{
    bool had_child = world->has_child, committed = channel_take(awaited(world)) != 0;

    world->has_child = false;
    if (!committed)
        return GONE;
    world->kept += had_child;
    return had_child ? LOOK : CREATE;
}

static bool step_launcher(struct world *world)
{
    struct channel *channel = &world->channel;

    switch (world->launcher) {
    case LOOK: world->launcher = atomic_load(awaited(world)) != 0 ? TAKE_WORD : LOOK_FOR_END; break;
    case LOOK_FOR_END: world->launcher = atomic_load(&channel->over) != 0 ? TAKE_WORD : WAIT; break;
    case WAIT:
        if (!world->heard && !world->dead)
            return false;
        world->launcher = world->heard ? LOOK : TAKE_WORD;
        world->heard = false;
        break;
    case TAKE_WORD: world->launcher = take_word(world); break;
    case CREATE:
        world->created++;
        require(world->created <= world->asked, "a child that nobody has asked for");
        world->has_child = true;
        world->launcher = WRITE_REPORT;
        break;
    case WRITE_REPORT:
        require(world->piped == 0, "a report behind another");
        world->piped++;
        world->launcher = SAY_REPORTED;
        break;
    case SAY_REPORTED:
        atomic_store(&channel->reported, 1);
        world->launcher = WAKE_PARENT;
        break;
    case WAKE_PARENT:
        world->reported |= !world->mute;
        world->launcher = world->mute ? TAKE_BACK : LOOK;
        break;
    case TAKE_BACK:
        world->launcher = channel_take(&channel->reported) != 0 ? GONE : LOOK;
        world->has_child = world->launcher != GONE;
        break;
    default: return false;
    }
    return true;
}

/* What it leaves is the parent's, if that has committed to it, or runs no more. */
static void kill_launcher(struct world *world)
{
    bool left = world->has_child && world->created > world->kept;

    world->killed = true;
    world->launcher = GONE;
    world->kept += left && world->committed == world->created;
    world->orphan = left && world->committed < world->created;
    world->has_child = false;
}

static void judge(const struct world *world)
{
    require(world->dead || world->parent == DONE, "the parent waits for ever, at step %d", world->parent);
    require(world->launcher == GONE, "the launcher waits for ever, at step %d", world->launcher);
    require(world->kept == world->committed, "%d children were committed, %d kept", world->committed, world->kept);
    require(!world->orphan || world->dead, "a suspended child is left");
    require(world->dead || world->failed || world->kept == rounds, "%d children of %d", world->kept, rounds);
    endings++;
}

/* Whether this state has been walked from. The counts differ by one at most. */
static bool was_here(const struct world *world)
{
    const struct channel *channel = &world->channel;
    const bool flags[] = {channel->asked != 0,
                          channel->reported != 0,
                          channel->committed != 0,
                          channel->over != 0,
                          world->piped != 0,
                          world->heard,
                          world->reported,
                          world->dead,
                          world->mute,
                          world->killed,
                          world->has_child,
                          world->orphan,
                          world->failed,
                          world->asked != world->created,
                          world->asked != world->committed,
                          world->asked != world->kept,
                          world->committed != world->kept};
    uint32_t code = (uint32_t)(world->parent << 4 | world->launcher);
    bool was;

    code = code << 2 | (uint32_t)world->asked;
    for (size_t i = 0; i < LENGTH(flags); i++)
        code = code << 1 | flags[i];
    was = (seen[code / 8] >> code % 8 & 1) != 0;
    seen[code / 8] |= (uint8_t)(1 << code % 8);
    return was;
}

static void walk(const struct world *from)
{
    struct world parent = *from, launcher = *from, dead = *from, mute = *from, killed = *from;
    bool parent_goes, launcher_goes;

    if (was_here(from))
        return;
    parent_goes = !from->dead && step_parent(&parent);
    launcher_goes = step_launcher(&launcher);
    if (parent_goes)
        walk(&parent);
    if (launcher_goes)
        walk(&launcher);
    if (!parent_goes && !launcher_goes)
        judge(from);
    dead.dead = mute.mute = true;
    if (!from->dead && from->parent != DONE)
        walk(&dead);
    if (!from->mute && from->launcher == WAKE_PARENT)
        walk(&mute);
    kill_launcher(&killed);
    if (!from->killed && from->launcher != GONE)
        walk(&killed);
}

START_TEST(channel_in_every_interleaving)
{
    struct world world;

    one_shot = _i == 0;
    rounds = one_shot ? 1 : _i;
    memset(&world, 0, sizeof world);
    memset(seen, 0, sizeof seen);
    endings = 0;
    walk(&world);
    ck_assert_int_gt(endings, 1);
}
END_TEST

/* A page for two claims: as long as it says, and where memory ends. */
static struct claim_page *make_page(uint32_t size, size_t memory)
{
    static const uint8_t nothing[256];
    struct claim_page *page = guard_bytes(GUARD_INPUT, nothing, memory);

    page->nonce = 7;
    page->count = 2;
    page->size = size;
    return page;
}

enum { TWO_CLAIMS = 16 + 2 * 16, CHANNEL = 76, ROOM = 24 };

START_TEST(channel_lies_behind_the_claims)
{
    for (uint32_t size = 0; size <= TWO_CLAIMS + CHANNEL + ROOM; size += 4) {
        struct claim_page *page = make_page(size, size > TWO_CLAIMS ? size : TWO_CLAIMS);
        struct channel *channel = channel_of(page);

        ck_assert_ptr_eq(channel, size >= TWO_CLAIMS + CHANNEL ? (void *)&page->claims[2] : NULL);
        if (channel != NULL)
            ck_assert_ptr_eq(channel->request + channel_room(page), (uint8_t *)page + size);
    }
}
END_TEST

static const struct {
    uint32_t size;
    size_t memory;
    uint32_t count;
    uint64_t nonce;
    bool whole;
} page_rows[] = {
    {TWO_CLAIMS, TWO_CLAIMS, 2, 7, true},
    {TWO_CLAIMS, TWO_CLAIMS + 16, 2, 7, true},
    {0, TWO_CLAIMS, 2, 7, true}, /* as the first version has it */
    {TWO_CLAIMS, TWO_CLAIMS, 1, 7, true},
    {TWO_CLAIMS, TWO_CLAIMS, 2, 8, false},
    {TWO_CLAIMS, TWO_CLAIMS, 0, 7, false},
    {TWO_CLAIMS, TWO_CLAIMS, 3, 7, false},
    {TWO_CLAIMS, TWO_CLAIMS, 0x10000001, 7, false},
    {TWO_CLAIMS + 1, TWO_CLAIMS, 2, 7, false},
};

START_TEST(page_is_whole_or_none)
{
    struct claim_page *page = make_page(page_rows[_i].size, page_rows[_i].memory);

    page->count = page_rows[_i].count;
    ck_assert_int_eq(claim_page_is_whole(page, page_rows[_i].memory, page_rows[_i].nonce), page_rows[_i].whole);
}
END_TEST

/* Memory that is less than what says so is not read. */
START_TEST(page_of_a_few_bytes)
{
    static const uint8_t bytes[15] = {7};

    for (size_t size = 0; size <= sizeof bytes; size++)
        ck_assert(!claim_page_is_whole(guard_bytes(GUARD_INPUT, bytes, size), size, 7));
}
END_TEST

Suite *channel_suite(void)
{
    Suite *suite = suite_create("channel");
    TCase *words = tcase_create("channel words");
    TCase *pages = tcase_create("channel pages");

    tcase_add_loop_test(words, channel_in_every_interleaving, 0, MOST_ROUNDS + 1);
    suite_add_tcase(suite, words);
    tcase_add_test(pages, channel_lies_behind_the_claims);
    tcase_add_loop_test(pages, page_is_whole_or_none, 0, LENGTH(page_rows));
    tcase_add_test(pages, page_of_a_few_bytes);
    suite_add_tcase(suite, pages);
    return suite;
}
