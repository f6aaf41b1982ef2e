/* What a launcher, and so its children, has of this process since its start, as far as that can be compared. */
#ifndef HANDOFF_STANDING_H
#define HANDOFF_STANDING_H

#include <windows.h>

struct standing {
    LUID token; /* another one with each change of it: of privileges, integrity, default DACL; 0: cannot be told */
    BOOL ignores_ctrl_c;
    DWORD job; /* see standing.c */
};

/* As this process is now. */
void standing_read(struct standing *standing);

/* And whether that launcher is in its jobs. */
void standing_read_job(struct standing *standing, DWORD process_id);

/* FALSE as well if that cannot be told, or if the launcher is not in the jobs that a child would be in. */
BOOL standing_equal(const struct standing *a, const struct standing *b);

#endif
