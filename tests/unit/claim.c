#include "claim.h"

#include <string.h>
#include <windows.h>

#include "unit.h"

enum { NUMBER = 420, STATES = CLAIM_WITHDRAWN + 1 };

START_TEST(claim_moves_only_from_offered)
{
    for (uint32_t state = 0; state < STATES; state++) {
        bool offered = state == CLAIM_OFFERED;
        struct claim begun = {.state = state}, withdrawn = {.state = state};

        require(claim_begin(&begun) == offered, "begin in state %u", state);
        ck_assert_uint_eq(claim_state(&begun), offered ? CLAIM_TAKING : state);
        require(claim_withdraw(&withdrawn) == offered, "withdraw in state %u", state);
        ck_assert_uint_eq(claim_state(&withdrawn), offered ? CLAIM_WITHDRAWN : state);
    }
}
END_TEST

START_TEST(claim_tells_what_it_was_taken_as)
{
    struct claim claim = {0};

    claim_offer(&claim, 0xFFFFFFFF80000004);
    ck_assert_uint_eq(claim_state(&claim), CLAIM_OFFERED);
    ck_assert(claim_begin(&claim));
    ck_assert_uint_eq(claim.number, 0xFFFFFFFF80000004);
    claim_end(&claim, 44);
    ck_assert_uint_eq(claim_state(&claim), CLAIM_TAKEN);
    ck_assert_uint_eq(claim.taken_as, 44);
}
END_TEST

/*
 * The model: one parent and up to two takers, each of which does its atomic steps one by one or
 * dies between any two of them. All interleavings are walked through.
 */
enum { PARENT_OFFERS, PARENT_WITHDRAWS, PARENT_CLOSES, DONE };
enum { TAKER_BEGINS, TAKER_STEALS, TAKER_ENDS };
enum { PARENT, TAKER, TAKERS = 2, ACTORS = TAKER + TAKERS };

struct world {
    struct claim claim;
    int step[ACTORS];
    bool dead[ACTORS];
    bool withdrawn;
    int closed; /* how often the number was closed in the parent */
};

static struct {
    long endings;
    bool closed[STATES][2]; /* with the parent alive: was it ever not closed, ever closed? */
} seen;

static void step_parent(struct world *world)
{
    switch (world->step[PARENT]) {
    case PARENT_OFFERS:
        claim_offer(&world->claim, NUMBER);
        world->step[PARENT] = PARENT_WITHDRAWS;
        break;
    case PARENT_WITHDRAWS:
        world->withdrawn = claim_withdraw(&world->claim);
        world->step[PARENT] = world->withdrawn ? PARENT_CLOSES : DONE;
        break;
    default: world->closed++; world->step[PARENT] = DONE;
    }
}

static void step_taker(struct world *world, int taker)
{
    switch (world->step[taker]) {
    case TAKER_BEGINS: world->step[taker] = claim_begin(&world->claim) ? TAKER_STEALS : DONE; break;
    case TAKER_STEALS:
        require(!world->withdrawn, "stolen after it was withdrawn");
        require(world->claim.number == NUMBER, "another number was stolen");
        world->closed++;
        world->step[taker] = TAKER_ENDS;
        break;
    default: claim_end(&world->claim, NUMBER); world->step[taker] = DONE;
    }
}

static bool taker_died_taking(const struct world *world)
{
    for (int taker = TAKER; taker < ACTORS; taker++) {
        if (world->dead[taker] && (world->step[taker] == TAKER_STEALS || world->step[taker] == TAKER_ENDS))
            return true;
    }
    return false;
}

/* Everyone is done or dead: does the state tell whether the number is closed? */
static void check_ending(struct world *world)
{
    uint32_t state = claim_state(&world->claim);
    bool parent_dead = world->dead[PARENT];

    seen.endings++;
    if (!parent_dead)
        seen.closed[state][world->closed] = true;
    require((state == CLAIM_TAKING) == taker_died_taking(world), "state %u, and a taker did %sdie taking", state,
            taker_died_taking(world) ? "" : "not ");
    if (state == CLAIM_TAKEN)
        require(world->closed == 1, "taken, but closed %d times", world->closed);
    if (state == CLAIM_FREE || state == CLAIM_OFFERED)
        require(parent_dead && world->closed == 0, "state %u, closed %d times", state, world->closed);
    if (state == CLAIM_WITHDRAWN)
        require(world->closed == (parent_dead && world->step[PARENT] == PARENT_CLOSES ? 0 : 1),
                "withdrawn, but closed %d times", world->closed);
}

static void explore(struct world *world, int actors)
{
    bool ended = true;

    require(world->closed <= 1, "closed twice, state %u", claim_state(&world->claim));
    for (int actor = 0; actor < actors; actor++) {
        struct world next = *world, without = *world;

        if (world->dead[actor] || world->step[actor] == DONE)
            continue;
        ended = false;
        if (actor == PARENT)
            step_parent(&next);
        else
            step_taker(&next, actor);
        explore(&next, actors);
        without.dead[actor] = true;
        explore(&without, actors);
    }
    if (ended)
        check_ending(world);
}

START_TEST(claim_in_every_interleaving)
{
    struct world world = {0};

    memset(&seen, 0, sizeof seen);
    explore(&world, TAKER + _i);
    require(seen.endings > (_i == 1 ? 40 : 500), "only %ld endings", seen.endings);
    for (uint32_t state = 0; state < STATES; state++) {
        bool undecided = seen.closed[state][0] && seen.closed[state][1];

        require(undecided == (state == CLAIM_TAKING), "state %u leaves it %s", state,
                undecided ? "undecided" : "decided");
    }
}
END_TEST

/*
 * Two real threads. They meet before each block of claims and not before each claim, so that a
 * machine with one busy processor needs no switch of threads for each of them.
 */
enum { BLOCKS = 1000, BLOCK = 3000 };

struct race {
    struct claim claims[BLOCK];
    bool withdrawn[BLOCK], begun[BLOCK];
    uint64_t found[BLOCK]; /* the number that the taker saw */
    atomic_uint arrived;
};

static void meet(struct race *race, unsigned meeting)
{
    race->arrived++;
    for (unsigned spins = 0; race->arrived < 2 * meeting; spins++) {
        if (spins > 1000)
            SwitchToThread();
    }
}

static uint64_t race_number(unsigned block, unsigned i)
{
    return 4 + 4 * ((uint64_t)block * BLOCK + i);
}

static void offer_block(struct race *race, unsigned block)
{
    for (unsigned i = 0; i < BLOCK; i++)
        claim_offer(&race->claims[i], race_number(block, i));
}

static void take_block(struct race *race)
{
    for (unsigned i = 0; i < BLOCK; i++) {
        for (unsigned spins = 0; claim_state(&race->claims[i]) == CLAIM_FREE; spins++) {
            if (spins > 1000)
                SwitchToThread();
        }
        race->begun[i] = claim_begin(&race->claims[i]);
        race->found[i] = race->claims[i].number;
    }
}

static DWORD WINAPI take_all(void *parameter)
{
    for (unsigned block = 0; block < BLOCKS; block++) {
        meet(parameter, 2 * block + 1);
        take_block(parameter);
        meet(parameter, 2 * block + 2);
    }
    return 0;
}

/* Of two blocks, one is offered while the taker looks on already; in the other the two go through
 * the claims side by side. */
static void withdraw_block(struct race *race, unsigned block)
{
    bool look_on = block % 2 != 0;

    memset(race->claims, 0, sizeof race->claims);
    if (!look_on)
        offer_block(race, block);
    meet(race, 2 * block + 1);
    if (look_on)
        offer_block(race, block);
    for (unsigned i = 0; i < BLOCK; i++) {
        unsigned at = look_on ? BLOCK - 1 - i : i;

        race->withdrawn[at] = claim_withdraw(&race->claims[at]);
    }
    meet(race, 2 * block + 2);
}

START_TEST(claim_has_one_winner)
{
    static struct race race;
    unsigned both = 0, neither = 0, wrong = 0;
    HANDLE thread = CreateThread(NULL, 0, take_all, &race, 0, NULL);

    ck_assert_ptr_nonnull(thread);
    for (unsigned block = 0; block < BLOCKS; block++) {
        withdraw_block(&race, block);
        for (unsigned i = 0; i < BLOCK; i++) {
            both += race.withdrawn[i] && race.begun[i];
            neither += !race.withdrawn[i] && !race.begun[i];
            wrong += race.begun[i] && race.found[i] != race_number(block, i);
        }
    }
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    require(both + neither + wrong == 0, "of %u, %u had two winners, %u none, %u a wrong number", BLOCKS * BLOCK, both,
            neither, wrong);
}
END_TEST

Suite *claim_suite(void)
{
    Suite *suite = suite_create("claim");
    TCase *steps = tcase_create("claim_steps"), *race = tcase_create("claim_race");

    tcase_add_test(steps, claim_moves_only_from_offered);
    tcase_add_test(steps, claim_tells_what_it_was_taken_as);
    tcase_add_loop_test(steps, claim_in_every_interleaving, 1, TAKERS + 1);
    tcase_add_test(race, claim_has_one_winner);
    suite_add_tcase(suite, steps);
    suite_add_tcase(suite, race);
    return suite;
}
