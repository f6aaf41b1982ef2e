/*
 * One child on its way through the engine, in the order of the steps. Inside the engine only.
 *
 *   engine.c   the order
 *   prepare.c  all that CreateProcessW is called with
 *   batch.c    the line that runs a batch file
 *   environment.c  the environment with changes, in the order that upcase.c gives it
 *   create.c   CreateProcessW, in the ways that this Windows knows
 *   block.c    the C runtime's descriptors, in the width of the child's pointers
 *   job.c      the same order, with a job that the child may have to join
 *   place.c    numbers and sealing in the suspended child
 */
#ifndef HANDOFF_CREATION_H
#define HANDOFF_CREATION_H

#include "engine.h"
#include "text.h"

/* What CreateProcessW is called with, made up piece by piece. */
struct creation {
    STARTUPINFOEXW startup;
    HANDLE *handles; /* what the child inherits, and then the jobs; owns the memory of the next two as well */
    uint32_t inherited, jobs;
    BOOL inherits;        /* that, or a stream that is INVALID_HANDLE_VALUE, though there is no handle for it */
    uint32_t only_listed; /* 0, or a handle in the list alone: the child gets a copy of it under another number */
    struct text program;
    struct text line;     /* its memory is NULL if the request has none */
    wchar_t *batch_line;  /* which runs a batch file instead; NULL if it is none */
    wchar_t *environment; /* with changes; NULL: the request's */

    /* The way in which CreateProcessW is called: the best one first, see create.c. */
    BOOL has_list;              /* of attributes */
    BOOL lists_jobs;            /* among them */
    BOOL needs_jobs;            /* the child is not created outside of them */
    uint32_t pointer;           /* bytes of one of the child's; 0: it gets no block of descriptors */
    uint8_t *block;             /* of descriptors; NULL: none */
    uint32_t refused_attribute; /* 0: none; or its index in the request, and 1. The job list comes after the last one */

    /* The list: 32 need 792 bytes at most, and nothing to delete them. */
    _Alignas(16) unsigned char attributes[800];
};

/* ---- prepare.c ---- */

enum { CMD_CAPACITY = MAX_PATH + 8 }; /* for the path of cmd.exe */

BOOL creation_prepare(struct creation *creation, struct request *request, struct failure *failure);
void creation_release(struct creation *creation);

/* ---- create.c ---- */

BOOL creation_run(struct creation *creation, const struct request *request, PROCESS_INFORMATION *child,
                  struct failure *failure);

/* Once more, in the way that was found. Returns a Win32 code. */
DWORD creation_try(struct creation *creation, const struct request *request, DWORD more_flags,
                   PROCESS_INFORMATION *child);

/* ---- block.c ---- */

/* Makes the block for pointers of that size, if the creation has one. Returns a Win32 code. */
DWORD creation_make_block(struct creation *creation, const struct request *request);

/* The size of a program's pointers: a guess, and what the process says, or else the guess. */
uint32_t pointer_guess(const wchar_t *program);
uint32_t pointer_of(HANDLE process, uint32_t guess);

/* ---- place.c ---- */

/* Puts into the child what it could not inherit under its number, and seals what is to be sealed; or ends the child. */
BOOL creation_place(const struct creation *creation, const struct request *request, const PROCESS_INFORMATION *child,
                    struct failure *failure);

#endif
