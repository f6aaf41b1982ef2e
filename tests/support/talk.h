/* Talking with a descriptor-child, however it was started: what it says comes over one pipe, and it stays
 * until another one ends. */
#ifndef HANDOFF_TESTS_TALK_H
#define HANDOFF_TESTS_TALK_H

#include "system.h"

/* The ways to start a child: handoff_spawn() here, handoff.exe with what it opens, and with what it takes out of
 * this process. */
enum door { LIBRARY, COMMAND, PREFIX, DOOR_COUNT };

enum { TALK_PASSES = 128, TALK_LINE = 32768, TALK_TEXT = 1 << 18 };

/* Something that can be passed through every door: as a handle, and for COMMAND as a path. */
struct thing {
    HANDLE handle; /* NULL: a pipe that only the prefix opens */
    HANDLE ours;   /* the other end, if it is a pipe */
    wchar_t path[MAX_PATH];
    BOOL write, is_file;
};

/* Fill in what the test is about, start, ask, end. */
struct talk {
    enum door door;
    int launcher_width, child_width;
    const wchar_t *arguments; /* what the child does; see tests/children/descriptor_child.c */

    struct handoff_pass passes[TALK_PASSES];
    struct thing *things[TALK_PASSES];
    DWORD count;
    DWORD closed_streams;
    BOOL seal_all;
    const wchar_t *environment, *variables; /* blocks */
    DWORD creation_flags;                   /* LIBRARY only */

    BOOL with_streams; /* what the door's own streams are */
    HANDLE streams[3];
    const void *reserved; /* what is in the door's own lpReserved2, and the handles that it inherits for it */
    WORD reserved_size;
    HANDLE inherited[8];
    DWORD inherited_count;

    struct thing report, go;
    PROCESS_INFORMATION process; /* the child's, or the prefix' */
    HANDLE child;
    DWORD child_id;
    DWORD numbers[TALK_PASSES];
    wchar_t line[TALK_LINE], launcher[MAX_PATH];
    char text[TALK_TEXT]; /* what talk_read_all() found */
    DWORD size;
};

/* A talk through that door with these widths, and nothing passed yet but {report} and {go}. The same
 * memory each time. */
struct talk *new_talk(enum door door, int launcher_width, int child_width, const wchar_t *arguments);

/* Adds a pass; the caller may change it until the start. */
struct handoff_pass *talk_pass(struct talk *talk, const wchar_t *name, struct thing *thing);
struct handoff_pass *talk_pass_handle(struct talk *talk, const wchar_t *name, HANDLE handle); /* not for COMMAND */

struct thing file_thing(enum door door, const char *content, BOOL write);
struct thing nul_thing(BOOL write);
struct thing pipe_thing(enum door door, BOOL write); /* that the child writes, or else reads */
void close_thing(struct thing *thing);
void assert_thing_holds(struct thing *file, const char *content);

/* Starts the child and waits for its first word. */
void talk_start(struct talk *talk);

/* The next line that the child says, or the test fails. Valid until the next call. */
const char *talk_line(struct talk *talk);
void assert_line(struct talk *talk, const char *expected);

/* All that it says until it ends, in talk->text. */
void talk_read_all(struct talk *talk);

/* Lets the child go, reads what it still says, and asserts that all went well. */
void talk_end(struct talk *talk);

/* Starts a program that inherits the streams, the handles and the block, and nothing else; or with these flags. */
BOOL start_inheriting_with(DWORD creation_flags, wchar_t *line, const HANDLE streams[3], const HANDLE *inherited,
                           DWORD count, const void *reserved, WORD reserved_size, const wchar_t *environment,
                           PROCESS_INFORMATION *process);
BOOL start_inheriting(wchar_t *line, const HANDLE streams[3], const HANDLE *inherited, DWORD count,
                      const void *reserved, WORD reserved_size, const wchar_t *environment,
                      PROCESS_INFORMATION *process);

/* How many handles of this object a process has; whether it has one, under any number, or under this one. */
DWORD handles_of(DWORD process_id, HANDLE object);
BOOL process_has(DWORD process_id, HANDLE object);
BOOL process_has_at(HANDLE process, DWORD number, HANDLE object);

/* A C runtime's block: for each descriptor its flags, and its handle. Valid until the next call. */
const void *make_block(uint32_t pointer, uint32_t count, const uint8_t *flags, const HANDLE *handles, WORD *size);

#endif
