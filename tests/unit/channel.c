#include "channel.h"

#include <string.h>

#include "unit.h"

/*
 * The model: a parent and its launcher, each of which does its atomic steps one by one, in the order of
 * parent/channel.c and launcher/broker/service.c. The parent may die between any two of them, and the launcher may
 * become mute: its event fails. All interleavings are walked through. What is looked for is a state in which both wait,
 * and a child whose fate is not its parent's will.
 */
enum {
    ASK,
    WAKE_TO_REQUEST,
    LOOK_FOR_ANSWER,
    WAIT_FOR_ANSWER,
    TAKE_ANSWER,
    COMMIT,
    WAKE_TO_COMMIT,
    END,
    WAKE_TO_END,
    DONE
};
enum { LOOK, LOOK_FOR_END, WAIT, TAKE_WORD, ANSWER, WAKE_PARENT, TAKE_BACK, GONE };
enum { MOST_ROUNDS = 3, CODES = 1 << 25 };

struct world {
    struct channel channel;
    bool heard, answered; /* the events */
    int parent, launcher; /* their next steps */
    bool dead, mute;      /* the parent, the launcher */
    bool has_child;       /* the launcher: it is the commit that it waits for */
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
    return one_shot ? END : WAKE_TO_COMMIT;
}

static int take_answer(struct world *world)
{
    if (channel_take(&world->channel.answered) != 0) {
        require(world->created == world->asked, "an answer is on another request");
        return COMMIT;
    }
    require(world->mute, "an answer is lost");
    world->failed = true;
    return END;
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
        world->parent = LOOK_FOR_ANSWER;
        break;
    case LOOK_FOR_ANSWER: world->parent = atomic_load(&channel->answered) != 0 ? TAKE_ANSWER : WAIT_FOR_ANSWER; break;
    case WAIT_FOR_ANSWER:
        if (!world->answered && world->launcher != GONE)
            return false;
        world->parent = world->answered ? LOOK_FOR_ANSWER : TAKE_ANSWER;
        world->answered = false;
        break;
    case TAKE_ANSWER: world->parent = take_answer(world); break;
    case COMMIT: world->parent = commit(world); break;
    case WAKE_TO_COMMIT:
        world->heard = true;
        world->parent = world->asked < rounds ? ASK : END;
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
    return had_child ? LOOK : ANSWER;
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
    case ANSWER:
        world->created++;
        require(world->created <= world->asked, "a child that nobody has asked for");
        atomic_store(&channel->answered, 1);
        world->has_child = true;
        world->launcher = WAKE_PARENT;
        break;
    case WAKE_PARENT:
        world->answered |= !world->mute;
        world->launcher = world->mute ? TAKE_BACK : LOOK;
        break;
    case TAKE_BACK: world->launcher = channel_take(&channel->answered) != 0 ? GONE : LOOK; break;
    default: return false;
    }
    return true;
}

static void judge(const struct world *world)
{
    require(world->dead || world->parent == DONE, "the parent waits for ever, at step %d", world->parent);
    require(world->launcher == GONE, "the launcher waits for ever, at step %d", world->launcher);
    require(world->kept == world->committed, "%d children were committed, %d kept", world->committed, world->kept);
    require(world->dead || world->failed || world->kept == rounds, "%d children of %d", world->kept, rounds);
    endings++;
}

/* Whether this state has been walked from. */
static bool was_here(const struct world *world)
{
    const struct channel *channel = &world->channel;
    const bool flags[] = {channel->asked != 0,
                          channel->answered != 0,
                          channel->committed != 0,
                          channel->over != 0,
                          world->heard,
                          world->answered,
                          world->dead,
                          world->mute,
                          world->has_child,
                          world->failed};
    uint32_t code = (uint32_t)(world->parent << 3 | world->launcher);
    bool was;

    code = code << 4 | (uint32_t)(world->asked << 2 | world->committed);
    code = code << 4 | (uint32_t)(world->created << 2 | world->kept);
    for (size_t i = 0; i < LENGTH(flags); i++)
        code = code << 1 | flags[i];
    was = (seen[code / 8] >> code % 8 & 1) != 0;
    seen[code / 8] |= (uint8_t)(1 << code % 8);
    return was;
}

static void walk(const struct world *from)
{
    struct world parent = *from, launcher = *from, dead = *from, mute = *from;
    bool parent_goes = !from->dead && step_parent(&parent), launcher_goes = step_launcher(&launcher);

    if (was_here(from))
        return;
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

enum { TWO_CLAIMS = 16 + 2 * 16, CHANNEL = 80, ROOM = 24 };

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
