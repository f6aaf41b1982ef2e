#include "fdblock.h"

#include <string.h>

#include "unit.h"

enum { MOST_DESCRIPTORS = 64, CYGWIN_SIZE = 64 };

static const uint32_t pointers[] = {4, 8};

/* The block, copied to where a byte too much is a crash. */
static struct fdblock open_block(const void *bytes, uint32_t size, uint32_t own_pointer)
{
    return fdblock_open(guard_bytes(GUARD_INPUT, bytes, size), size, own_pointer);
}

/* Makes a block right before a page that nobody may touch. */
static const uint8_t *make_block(const struct request *request, uint32_t pointer, uint32_t *size)
{
    uint8_t *end = guard_end(GUARD_OUTPUT), *bytes;

    *size = fdblock_make(NULL, 0, pointer, request);
    bytes = end - *size;
    memset(bytes, 0xAA, *size);
    ck_assert_uint_eq(fdblock_make(bytes, *size, pointer, request), *size);
    return bytes;
}

static void assert_block(const struct request *request, uint32_t pointer, const void *expected, uint32_t expected_size)
{
    uint32_t size;
    const uint8_t *bytes = make_block(request, pointer, &size);

    ck_assert_uint_eq(size, expected_size);
    ck_assert_mem_eq(bytes, expected, size);
}

/* ---- what is written ---- */

START_TEST(the_bytes_for_both_widths)
{
    static const uint8_t narrow[] = "\x06\0\0\0"
                                    "\x89\0\0\x09\x41\0"
                                    "\x40\x01\0\0"
                                    "\xff\xff\xff\xff\xff\xff\xff\xff"
                                    "\x44\x01\0\0"
                                    "\x04\0\0\x80"
                                    "\xff\xff\xff\xff";
    static const uint8_t wide[] = "\x06\0\0\0"
                                  "\x89\0\0\x09\x41\0"
                                  "\x40\x01\0\0\0\0\0\0"
                                  "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                                  "\x44\x01\0\0\0\0\0\0"
                                  "\x04\0\0\x80\xff\xff\xff\xff"
                                  "\xff\xff\xff\xff\xff\xff\xff\xff";
    struct pass passes[] = {
        {.streams = 1 << STREAM_STDIN, .number = 0x999, .wanted = 0x140},
        {.fd = 4, .fd_flags = FD_OPEN | FD_DEVICE, .number = 0x80000004},
        {.fd = 3, .fd_flags = FD_PIPE, .number = 0x998, .wanted = 0x144},
        {.placeholder.name = L"not", .number = 0x148},
        {.streams = 1 << STREAM_STDERR, .number = 0x14C}, /* of no flags, so that the runtime finds it by itself */
    };
    struct request request = {
        .passes = passes, .pass_count = LENGTH(passes), .stream_flags = {FD_OPEN | FD_PIPE | FD_TEXT}};

    assert_block(&request, 4, narrow, sizeof narrow - 1);
    assert_block(&request, 8, wide, sizeof wide - 1);
}
END_TEST

/* A stream alone needs no block: the C runtime finds it by itself, but for its flags. */
START_TEST(streams_need_a_block_for_their_flags_only)
{
    static const uint8_t bytes[] = "\x04\0\0\0"
                                   "\0\x81\x81\0"
                                   "\xff\xff\xff\xff"
                                   "\x08\0\0\0"
                                   "\x08\0\0\0"
                                   "\xff\xff\xff\xff";
    struct pass pass = {.streams = 1 << STREAM_STDOUT | 1 << STREAM_STDERR, .number = 8};
    struct request request = {.passes = &pass, .pass_count = 1};

    ck_assert_uint_eq(fdblock_make(NULL, 0, 4, &request), 0);
    request.stream_flags[STREAM_STDOUT] = request.stream_flags[STREAM_STDERR] = FD_OPEN | FD_TEXT;
    assert_block(&request, 4, bytes, sizeof bytes - 1);
}
END_TEST

START_TEST(a_count_is_even)
{
    for (uint32_t descriptor = STREAM_COUNT; descriptor < 40; descriptor++) {
        struct pass pass = {.fd = descriptor, .fd_flags = FD_OPEN, .number = 4};
        struct request request = {.passes = &pass, .pass_count = 1};

        for (size_t i = 0; i < LENGTH(pointers); i++) {
            uint32_t size, pointer = pointers[i];
            const uint8_t *bytes = make_block(&request, pointer, &size);
            struct fdblock block = open_block(bytes, size, pointer);

            ck_assert_uint_eq(block.count, (descriptor + 2) & ~1u);
            ck_assert_uint_eq(size, 4 + block.count * (1 + pointer));
            ck_assert_uint_eq(fdblock_flags(&block, descriptor + 1), 0);
        }
    }
}
END_TEST

START_TEST(what_does_not_fit_is_not_written)
{
    struct pass pass = {.fd = 3, .fd_flags = FD_OPEN, .number = 4};
    struct request request = {.passes = &pass, .pass_count = 1};

    for (uint32_t capacity = 0; capacity < 24; capacity++) {
        uint8_t *bytes = (uint8_t *)guard_end(GUARD_OUTPUT) - capacity;

        memset(bytes, 0xAA, capacity);
        ck_assert_uint_eq(fdblock_make(bytes, capacity, 4, &request), 24);
        for (uint32_t i = 0; i < capacity; i++)
            ck_assert_uint_eq(bytes[i], 0xAA);
    }
}
END_TEST

/* The size is told, and not taken modulo anything, even where no block can be so large. */
START_TEST(the_last_descriptors)
{
    static const struct {
        uint32_t fd, pointer, size;
    } rows[] = {
        {13105, 4, 65534}, {13106, 4, 65544},  {7279, 8, 65524},
        {7280, 8, 65542},  {65535, 4, 327684}, {65535, 8, 589828},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct pass pass = {.fd = rows[i].fd, .fd_flags = FD_OPEN, .number = 4};
        struct request request = {.passes = &pass, .pass_count = 1};
        uint32_t size;
        const uint8_t *bytes = make_block(&request, rows[i].pointer, &size);
        struct fdblock block = open_block(bytes, size, rows[i].pointer);

        ck_assert_uint_eq(size, rows[i].size);
        ck_assert_uint_eq(fdblock_flags(&block, rows[i].fd), size <= FDBLOCK_MOST ? FD_OPEN : 0);
    }
}
END_TEST

/* ---- what is read ---- */

/* A block of `count` descriptors and `size` bytes, otherwise zero. */
static const uint8_t *zeros(uint32_t count, uint32_t size)
{
    static uint8_t bytes[FDBLOCK_MOST + 1];

    memset(bytes, 0, size);
    memcpy(bytes, &count, size < sizeof count ? size : sizeof count);
    return bytes;
}

START_TEST(the_size_tells_the_width)
{
    for (uint32_t count = 1; count < 1000; count++) {
        for (size_t own = 0; own < LENGTH(pointers); own++) {
            uint32_t narrow = 4 + count * 5, wide = 4 + count * 9;

            ck_assert_uint_eq(open_block(zeros(count, narrow), narrow, pointers[own]).pointer, 4);
            ck_assert_uint_eq(open_block(zeros(count, wide), wide, pointers[own]).pointer, 8);
            ck_assert_uint_eq(open_block(zeros(count, wide), wide, pointers[own]).count, count);
            ck_assert_uint_eq(open_block(zeros(count, wide + 1), wide + 1, pointers[own]).pointer, pointers[own]);
            ck_assert_uint_eq(open_block(zeros(count, narrow - 1), narrow - 1, pointers[own]).count, 0);
        }
        ck_assert_uint_eq(open_block(zeros(count, 3 + count * 9), 3 + count * 9, 4).pointer, 4);
        ck_assert_uint_eq(open_block(zeros(count, 3 + count * 9), 3 + count * 9, 8).count, 0);
    }
}
END_TEST

START_TEST(what_is_nobodys_block)
{
    static const struct {
        uint32_t count, size;
    } rows[] = {
        {1, 3},           {1, 4},          {2, 9},           {0, 4},          {0, CYGWIN_SIZE}, {0xFFFFFFFF, 4},
        {0xFFFFFFFF, 64}, {0x33333334, 8}, {0x33333334, 64}, {0x1C71C71D, 9}, {0x80000000, 4},  {0x20000000, 4},
        {0x40000000, 64}, {13107, 65535},  {0xAF00FA64, 64}, {13106, 65536},  {7282, 65536},    {60000, 65535},
    };

    for (size_t i = 0; i < LENGTH(rows); i++) {
        for (size_t own = 0; own < LENGTH(pointers); own++) {
            require(open_block(zeros(rows[i].count, rows[i].size), rows[i].size, pointers[own]).count == 0,
                    "%u descriptors in %u bytes", rows[i].count, rows[i].size);
        }
    }
    ck_assert_uint_eq(fdblock_open(NULL, 0, 4).count, 0);
    ck_assert_uint_eq(fdblock_open(NULL, 100, 8).count, 0);
}
END_TEST

START_TEST(what_is_open)
{
    static const uint8_t bytes[] = "\x04\0\0\0"
                                   "\x01\x11\x08\xe9"
                                   "\x04\0\0\0"
                                   "\x08\0\0\0"
                                   "\x0c\0\0\0"
                                   "\xfe\xff\xff\xff";
    struct fdblock block = open_block(bytes, sizeof bytes - 1, 8);

    ck_assert_uint_eq(block.count, 4);
    ck_assert_uint_eq(fdblock_flags(&block, 0), FD_OPEN);
    ck_assert_uint_eq(fdblock_flags(&block, 1), 0); /* not for children */
    ck_assert_uint_eq(fdblock_flags(&block, 2), 0); /* not open */
    ck_assert_uint_eq(fdblock_flags(&block, 3), 0xE9);
    ck_assert_uint_eq(fdblock_flags(&block, 4), 0);
    ck_assert_uint_eq(fdblock_flags(&block, 0xFFFFFFFF), 0);
    ck_assert_uint_eq(fdblock_flags_of(&block, 4), FD_OPEN);
    ck_assert_uint_eq(fdblock_flags_of(&block, (uint64_t)-2), 0xE9);
    ck_assert_uint_eq(fdblock_flags_of(&block, 16), 0);
    ck_assert_uint_eq(fdblock_handle(&block, 0), 4);
    ck_assert(fdblock_handle(&block, 3) == (uint64_t)-2);
}
END_TEST

/* ---- any bytes ---- */

/* The request that a block amounts to. */
static struct request request_of(const struct fdblock *block, struct pass *passes)
{
    struct request request = {.passes = passes};

    for (uint32_t descriptor = 0; descriptor < block->count; descriptor++) {
        struct pass *pass = &passes[request.pass_count];
        uint32_t flags = fdblock_flags(block, descriptor);

        if (flags == 0)
            continue;
        *pass = (struct pass){.number = (uint32_t)fdblock_handle(block, descriptor)};
        if (descriptor < STREAM_COUNT) {
            pass->streams = 1u << descriptor;
            request.stream_flags[descriptor] = flags;
        } else {
            pass->fd = descriptor;
            pass->fd_flags = flags;
        }
        request.pass_count++;
    }
    return request;
}

static void assert_same(const struct fdblock *a, const struct fdblock *b)
{
    for (uint32_t descriptor = 0; descriptor < a->count || descriptor < b->count; descriptor++) {
        uint32_t flags = fdblock_flags(a, descriptor);

        require(flags == fdblock_flags(b, descriptor), "flags of descriptor %u", descriptor);
        require(flags == 0 || fdblock_handle(a, descriptor) == fdblock_handle(b, descriptor), "handle of descriptor %u",
                descriptor);
    }
}

static uint32_t random_block(uint8_t *bytes)
{
    static const uint8_t flags[] = {0, 1, 0x09, 0x41, 0x81, 0x89, 0x11, 0x21, 0x08, 0xFF};
    uint32_t count = random_below(MOST_DESCRIPTORS), pointer = pointers[random_below(2)];
    uint32_t size = 4 + count * (1 + pointer);

    for (uint32_t i = 4; i < size; i++)
        bytes[i] = (uint8_t)random_next();
    memcpy(bytes, &count, sizeof count);
    for (uint32_t i = 0; i < count && random_below(8) != 0; i++)
        bytes[4 + i] = flags[random_below(LENGTH(flags))];
    switch (random_below(8)) {
    case 0: return size + random_below(9);
    case 1: return size - random_below(size);
    case 2: bytes[random_below(4)] = (uint8_t)random_next(); return size;
    default: return size;
    }
}

START_TEST(any_block_is_refused_or_means_the_same_anew)
{
    static uint8_t bytes[1024];
    static struct pass passes[1024];
    uint32_t refused = 0, kept = 0;

    for (int i = 0; i < 60000; i++) {
        uint32_t size = random_block(bytes), own = pointers[random_below(2)];
        struct fdblock block = open_block(bytes, size, own);
        struct request request = request_of(&block, passes);

        refused += block.count == 0;
        for (size_t to = 0; to < LENGTH(pointers); to++) {
            uint32_t made_size;
            const uint8_t *made = make_block(&request, pointers[to], &made_size);
            struct fdblock again = fdblock_open(made, made_size, own);

            require(again.pointer == (made_size != 0 ? pointers[to] : 0), "the width of %u bytes", made_size);
            assert_same(&block, &again);
            kept += made_size != 0;
        }
    }
    ck_assert_uint_gt(refused, 1000);
    ck_assert_uint_gt(kept, 1000);
}
END_TEST

/* What this makes, it makes again byte for byte. */
START_TEST(its_own_blocks_stay_as_they_are)
{
    static struct pass passes[2 * MOST_DESCRIPTORS];
    static uint8_t first[1024];

    for (int i = 0; i < 20000; i++) {
        struct request request = {.passes = passes};
        uint32_t size, again_size, pointer = pointers[random_below(2)];
        struct fdblock block;
        const uint8_t *made;

        for (uint32_t descriptor = 0; descriptor < MOST_DESCRIPTORS; descriptor++) {
            if (random_below(4) != 0)
                continue;
            passes[request.pass_count] = (struct pass){.number = (uint32_t)random_next()};
            if (descriptor < STREAM_COUNT) {
                request.stream_flags[descriptor] = 1 + random_below(8) * 2;
                passes[request.pass_count++].streams = 1u << descriptor;
            } else {
                passes[request.pass_count].fd_flags = 1 + random_below(8) * 2;
                passes[request.pass_count++].fd = descriptor;
            }
        }
        made = make_block(&request, pointer, &size);
        memcpy(first, made, size);
        block = open_block(first, size, pointers[random_below(2)]);
        request = request_of(&block, passes);
        made = make_block(&request, pointer, &again_size);
        ck_assert_uint_eq(again_size, size);
        require(memcmp(made, first, size) == 0, "the bytes of a block of %u", size);
    }
}
END_TEST

Suite *fdblock_suite(void)
{
    Suite *suite = suite_create("fdblock");
    TCase *tcase = tcase_create("fdblock");

    tcase_add_test(tcase, the_bytes_for_both_widths);
    tcase_add_test(tcase, streams_need_a_block_for_their_flags_only);
    tcase_add_test(tcase, a_count_is_even);
    tcase_add_test(tcase, what_does_not_fit_is_not_written);
    tcase_add_test(tcase, the_last_descriptors);
    tcase_add_test(tcase, the_size_tells_the_width);
    tcase_add_test(tcase, what_is_nobodys_block);
    tcase_add_test(tcase, what_is_open);
    tcase_add_test(tcase, any_block_is_refused_or_means_the_same_anew);
    tcase_add_test(tcase, its_own_blocks_stay_as_they_are);
    suite_add_tcase(suite, tcase);
    return suite;
}
