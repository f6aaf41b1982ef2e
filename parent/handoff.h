/*
 * handoff: give a child process exactly the handles it should have, and nothing else.
 *
 * handoff_spawn() duplicates the handles you select, non-inheritable, and starts a small program,
 * handoff-launcher.exe. The launcher steals the duplicates, writes their new numbers into the command
 * line and starts the program you named, unmodified. You get the handle of that program's process.
 * No handle of your process is inheritable at any moment, so no other thread that calls
 * CreateProcess(bInheritHandles=TRUE) can leak one.
 *
 * Link with libhandoff.a and ship handoff-launcher.exe beside the module that contains it.
 */
#ifndef HANDOFF_H
#define HANDOFF_H

#include <windows.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The version of this header, and the version that runs: a DLL may be newer. The `cb` of a request says for which
 * version the caller was compiled. It speaks for passes, errors and traces as well, because none of these structures
 * changes without the request. A library takes a request of any earlier version. Fields that this version does not
 * have count as zero, and nothing is read or written beyond the structures of this version.
 */
#define HANDOFF_VERSION "0.2"

const char *WINAPI handoff_version(void);

/* Which standard streams of the child a handle becomes. */
enum { HANDOFF_STDIN = 1, HANDOFF_STDOUT = 2, HANDOFF_STDERR = 4 };

/* A sealed handle is not inheritable in the child, so the child's own children do not get it. An optional pass need not
 * be mentioned anywhere.
 *
 * A pass with HANDOFF_SAME_NUMBER has in the child the number that its handle has here, so it needs no mention
 * either. If the number cannot be had, the spawn fails, and nothing has run. Every process uses a few low numbers
 * from its start (up to 0x10 under Wine 8): such a number cannot be had where both launcher and child use it. Pass a
 * duplicate instead, which has another number. Two passes of one handle cannot both keep its number.
 *
 * HANDOFF_FILE, HANDOFF_PIPE and HANDOFF_DEVICE say what a `descriptor` is. Without one of them the launcher asks the
 * handle. A pipe that is not overlapped does not answer while any process reads from it: the spawn then ends at its
 * deadline, and the launcher ends when that read does. Say HANDOFF_PIPE where this can be. */
enum {
    HANDOFF_SEALED = 1,
    HANDOFF_OPTIONAL = 2,
    HANDOFF_FILE = 4,
    HANDOFF_PIPE = 8,
    HANDOFF_DEVICE = 16,
    HANDOFF_SAME_NUMBER = 32
};

/* One handle on its way to the child. The name and the handle stay yours. */
struct handoff_pass {
    const wchar_t *name; /* letters, digits, '_', '-', '.'; NULL if another field says where it goes */
    HANDLE handle;       /* any kernel handle; need not be inheritable, and should not be */
    DWORD streams;       /* HANDOFF_STDIN | ...; 0: none */
    DWORD descriptor;    /* of the child's C runtime, for _read(3, ...): 3 to 2047; 0: none */
    DWORD flags;         /* HANDOFF_SEALED | ... */
};

/*
 * What to start and what to give it. Zero every field that you do not set.
 *
 * Placeholders in the command line: {name} becomes the handle's number in the child, decimal;
 * {name:x} hexadecimal, without a prefix; {{name}} a literal {name}. Only names of passes count,
 * all else reaches the child unit for unit. A pass that is neither a stream nor a descriptor, keeps no number, and is
 * mentioned neither in the line nor in `variables`, is an error, because that is how a misspelt name shows.
 *
 * The program is `application`, if given, looked for nowhere else. Otherwise it is the first word
 * of the command line, found as cmd.exe finds it. The current directory comes first, unless the variable
 * NoDefaultCurrentDirectoryInExePath exists, and then the directories of PATH, with the extensions of PATHEXT.
 * The launcher's and the parent's own directory are not searched.
 *
 * Streams that no pass claims are the parent's own, as GetStdHandle gives them, unless the
 * creation flags give the child another console or none.
 */
struct handoff_request {
    DWORD cb;                        /* sizeof(struct handoff_request), or that of an earlier version */
    const wchar_t *application;      /* NULL: the first word of the command line */
    const wchar_t *command_line;     /* NULL: the application's path, as CreateProcessW has it */
    const wchar_t *const *arguments; /* instead of a command line: up to a NULL, quoted for a C runtime */
    const wchar_t *environment;      /* UTF-16 block as for CreateProcessW; NULL: the parent's */
    const wchar_t *variables;        /* changes of it, a block too: NAME=TEXT with placeholders sets, NAME removes */
    const wchar_t *directory;        /* NULL: the parent's */
    DWORD creation_flags;            /* of CreateProcessW; CREATE_SUSPENDED: you resume the child */
    const STARTUPINFOW *startup;     /* may be NULL; not read: its streams, a foreign lpReserved2 */
    const struct handoff_pass *passes;
    DWORD pass_count;
    DWORD closed_streams;              /* HANDOFF_STDIN | ...: the child has INVALID_HANDLE_VALUE for them */
    BOOL seal_all;                     /* as if every pass were sealed, the parent's own streams included */
    DWORD *numbers;                    /* out: pass_count handle numbers in the child; may be NULL */
    DWORD timeout_ms;                  /* until the child exists; 0: two minutes; INFINITE: for ever */
    const wchar_t *launcher;           /* path; NULL: handoff-launcher.exe beside this library's module */
    struct handoff_launcher *resident; /* launchers that stay; NULL: the default ones, or one for this spawn */
    struct handoff_trace *trace;       /* out: what happened when; may be NULL */

    /* As CreateProcessW takes them; may be NULL. Attributes that are plain data pass through, up to 1,024 bytes each:
     * mitigation policy, child process policy, machine type and the like. The child is created in the jobs of a job
     * list, and gets no handle of them; before Windows 10 that fails as UpdateProcThreadAttribute() does there. A
     * handle list is not read: passes say what is passed. Attributes whose value has handles or pointers in it are
     * ERROR_NOT_SUPPORTED (stage REQUEST): PARENT_PROCESS, PSEUDOCONSOLE, SECURITY_CAPABILITIES, CONSOLE_REFERENCE,
     * UMS_THREAD, ISOLATION_MANIFEST. The subject names the attribute. What is said of a parent
     * (PROTECTION_LEVEL_SAME, the flag INHERIT_PARENT_AFFINITY) is said of the launcher. The list of rights (DACL) of
     * process_security is the child's before it runs. Between its creation and its adoption the child has another
     * list, by which this process' user may query and end it, and nobody may do more. Otherwise a child that keeps
     * this process out would stay if its launcher died. */
    const SECURITY_ATTRIBUTES *process_security, *thread_security;
    struct _PROC_THREAD_ATTRIBUTE_LIST *attributes;
};

/* A spawn in retrospect. Times are microseconds since its beginning. */
struct handoff_trace {
    DWORD launcher_id;   /* pid */
    DWORD duplicated_us; /* the handles are duplicated and offered */
    DWORD launched_us;   /* the launcher's process exists */
    DWORD created_us;    /* it has reported the child */
    DWORD adopted_us;    /* the parent holds the child's handles */
};

/* What a failed spawn was doing. */
enum handoff_stage {
    HANDOFF_STAGE_NONE,
    HANDOFF_STAGE_REQUEST,   /* making sense of the request */
    HANDOFF_STAGE_OPEN,      /* opening what is to be passed (the handoff command; never the library) */
    HANDOFF_STAGE_PREPARE,   /* making what it takes, memory and events above all */
    HANDOFF_STAGE_DUPLICATE, /* duplicating a handle inside the parent */
    HANDOFF_STAGE_LAUNCHER,  /* starting the launcher */
    HANDOFF_STAGE_CONNECT,   /* the launcher finding what it was given (the handoff command: opening --parent) */
    HANDOFF_STAGE_EXCHANGE,  /* talking with the launcher */
    HANDOFF_STAGE_STEAL,     /* the launcher stealing a duplicate */
    HANDOFF_STAGE_REWRITE,   /* making the command line: putting the numbers into it */
    HANDOFF_STAGE_UNUSED,    /* a pass that nothing mentions */
    HANDOFF_STAGE_FIND,      /* finding the program */
    HANDOFF_STAGE_CREATE,    /* creating the child */
    HANDOFF_STAGE_SEAL,      /* making a handle non-inheritable in the child */
    HANDOFF_STAGE_ADOPT,     /* the parent taking over the child */
    HANDOFF_STAGE_RESUME,    /* letting the child run */
    HANDOFF_STAGE_REPORT,    /* the prefix door telling the parent (never the library) */
    HANDOFF_STAGE_CLEAN_UP,  /* ending the launcher or the child of a failed spawn; the subject may stay */
    HANDOFF_STAGE_NUMBER,    /* giving a handle the number in the child that it has in the parent */
    HANDOFF_STAGE_IDENTITY,  /* putting the thread's impersonation token back: see below */
    HANDOFF_STAGE_VERSION,   /* talking with a launcher of another version, `subject` says of which */
    HANDOFF_STAGE_ATTRIBUTE  /* UpdateProcThreadAttribute does not take an attribute here; it is the subject */
};

#define HANDOFF_NO_PASS 0xFFFFFFFFu

struct handoff_error {
    DWORD stage;         /* enum handoff_stage */
    DWORD pass;          /* index of the pass it concerns, or HANDOFF_NO_PASS */
    DWORD code;          /* Win32 code */
    DWORD unreclaimed;   /* duplicates of which nobody can know whether they were stolen, so they stay open in the
                            parent: at most one, and only if the launcher was killed amid a steal */
    wchar_t subject[96]; /* what the stage was dealing with: a pass, a program; cut if longer */
};

/*
 * Starts a child with the handles of the request. On success *child holds handles of its process and first thread, with
 * all access, non-inheritable, and their ids. The caller closes the handles. The child runs, or is suspended if
 * CREATE_SUSPENDED was asked for, and needs the launcher no more.
 *
 * On failure it returns FALSE, GetLastError() and *error (may be NULL) say why, *child is zeroed,
 * and nothing is left: no child, running or suspended, no launcher, no duplicate but those counted
 * in `unreclaimed`. Only with the stage CLEAN_UP it may be that the process stays which the error names. The passed
 * handles are never closed or changed.
 *
 * Any number of threads may call it at once. It blocks until the child exists, at most `timeout_ms`. The time that
 * the machine sleeps does not count (Windows 7 and later). A process that has to be terminated and does not end at
 * once takes five seconds more. Two minutes are as a rule enough where a virus scanner holds up the first start of
 * each of two programs for half a minute.
 *
 * Nothing of the calling process changes for others to see: no error mode, no directory, no environment, no
 * handle that is inheritable.
 *
 * A thread that impersonates somebody may call it, and impersonates him again before the child runs. All of the spawn
 * is done as the process: the child has the process' own token, as with CreateProcessW, and the launcher belongs to
 * the process. The program is looked for and opened as the process too, and not, as by CreateProcessW, as that
 * somebody: if he chooses it, ask first whether he may run it. With a token of the level SecurityAnonymous, which
 * nobody can open, the spawn fails (stage PREPARE). If Windows refuses to put the token back, or puts it back with a
 * lower level, the spawn fails as well (stage IDENTITY, code ERROR_NO_IMPERSONATION_TOKEN). Then the thread is the
 * process itself, or can do nothing for that somebody, and must try nothing more for him. No other failure has this
 * code, so it tells a caller of handoff_CreateProcessW too.
 *
 * Codes with a meaning of their own here:
 *   ERROR_INVALID_PARAMETER   (stage REQUEST) a field that makes no sense. `subject` names it: request or child
 *                             if that is NULL, cb, passes[2].flags, a path that is empty. A creation flag that
 *                             cannot pass through: DEBUG_PROCESS, DEBUG_ONLY_THIS_PROCESS,
 *                             EXTENDED_STARTUPINFO_PRESENT; a pass with no name, stream, descriptor or number, of
 *                             which no child could know
 *   ERROR_NOT_SUPPORTED       (stage REQUEST) an attribute with handles or pointers in it, without bytes or with too
 *                             many. (stage ATTRIBUTE) One that this Windows does not know. (stage REWRITE)
 *                             `arguments` for a batch file.
 *   ERROR_TOO_MANY_OPEN_FILES (stage REQUEST) a descriptor that is not 3 to 2047, or that an earlier pass has;
 *                             (stage CREATE) more of them than 65,535 bytes tell of
 *   ERROR_NOT_ENOUGH_MEMORY   at any stage
 *   ERROR_INVALID_NAME        a pass's name, by its spelling; (stage PREPARE) an application or a directory that
 *                             Windows takes for no path
 *   ERROR_ALREADY_EXISTS      a name, or a stream, that an earlier pass has
 *   ERROR_INVALID_HANDLE      a handle that is not open, 0, a pseudo-handle, or a console handle
 *                             of Windows 7 and before, which cannot leave its process
 *   ERROR_NOT_FOUND           (stage UNUSED) a pass that nothing mentions
 *   ERROR_FILENAME_EXCED_RANGE  (stage REWRITE) the rewritten line would have more than 32,766 characters, or for
 *                             cmd.exe more than 8,191. (stage FIND) The program's path has as many.
 *                             (stage REQUEST) The request has more than 16 MB.
 *   ERROR_FILE_NOT_FOUND      (stage FIND) no such program; (stage LAUNCHER) no launcher there
 *   ERROR_BAD_EXE_FORMAT      (stage LAUNCHER) the program there is no launcher; (stage CREATE) the application is none
 *   ERROR_REVISION_MISMATCH   (stage VERSION) library and launcher do not speak the same protocol
 *   ERROR_NO_IMPERSONATION_TOKEN  (stage IDENTITY) the thread no longer impersonates whom it did
 *   ERROR_TIMEOUT             the launcher did not answer in time
 *   ERROR_PROCESS_ABORTED     the launcher ended without an answer
 *   ERROR_INVALID_DATA        the launcher's answer made no sense
 *   ERROR_NO_MORE_ITEMS       (stage SEAL) the sealed handle cannot be put back under its number. (stage NUMBER) The
 *                             number that a pass is to keep cannot be had in the child. Another handle has it there
 *   ERROR_NO_SYSTEM_RESOURCES (stages SEAL and NUMBER) nothing has the number there, and it was not given all the same
 * Others are what Windows said at the stage.
 */
BOOL WINAPI handoff_spawn(const struct handoff_request *request, PROCESS_INFORMATION *child,
                          struct handoff_error *error);

/*
 * Launchers that stay: each spawn then costs one process start instead of two. One object serves all threads at once:
 * a spawn uses an idle launcher or starts a further one, so nobody waits for another, up to a limit. Name it in
 * request.resident (then `request.launcher` is not read), or for the whole program with handoff_launcher_default().
 *
 * A launcher survives failed spawns. If it dies, the spawn under way fails with ERROR_PROCESS_ABORTED, the next one
 * uses another, and children started before are not touched. Those that no spawn has needed for five seconds go when
 * a spawn ends; the last one stays until handoff_launcher_close() or the end of this process.
 *
 * A child finds environment, current directory and priority as they are in the parent at the moment of the spawn. A
 * launcher is replaced where since its start the parent's token has changed (privileges, integrity, default DACL), or
 * the parent has joined a job, or has begun or ceased to ignore Ctrl-C. The idle ones go with it. Where the parent may
 * not read its own token, each spawn replaces its launcher. The console, window station and desktop, the error mode,
 * the processor affinity, mitigation policies and the directory of SetDllDirectory() are those that the parent had when
 * its launcher was started. A job may be missed, if children broke away silently from the one that the parent was in,
 * and it has joined two since, of which the last lets them break away too. A job within the parent's is also missed
 * where QueryInformationJobObject() refuses to list the parent's own job, as only Wine is known to.
 *
 * Until then the handle that the library has of an older launcher is good for all that the parent has given up. So
 * a parent that lowers itself to be no danger closes its launchers before, and opens others afterwards.
 *
 * More than 4,094 handles at once are given to a launcher of their own, and so are requests of more than 190,000 bytes:
 * the line, the environment, paths and names, and 32 for each handle.
 *
 * handoff_launcher_open() starts the first and returns NULL on failure, with GetLastError() and *error (may be NULL).
 * `path` is as `launcher` in a request.
 *
 * handoff_launcher_limit(): how many there may be at once, 16 as long as nobody says otherwise (or says 0). A spawn
 * beyond that waits for one, until its deadline. Any thread may call it at any time.
 *
 * handoff_launcher_default(): handoff_CreateProcessW, and requests that name neither `resident` nor `launcher`, use
 * these launchers from now on; NULL: none, as before the first call. One line at the start of a program.
 *
 * handoff_launcher_close() ends them, and no spawn may overlap it. The default ceases to be.
 */
struct handoff_launcher *WINAPI handoff_launcher_open(const wchar_t *path, struct handoff_error *error);
void WINAPI handoff_launcher_limit(struct handoff_launcher *launcher, DWORD most);
void WINAPI handoff_launcher_default(struct handoff_launcher *launcher);
void WINAPI handoff_launcher_close(struct handoff_launcher *launcher);

/*
 * CreateProcessW by another name: the same arguments, the same results, and no handle of the parent needs
 * to be, or ever is, inheritable. With bInheritHandles=FALSE it is CreateProcessW, since then nothing leaks.
 * With TRUE the child gets
 *
 *   - the streams of STARTUPINFO, with STARTF_USESTDHANDLES, or else the parent's own. NULL stays NULL, which Windows
 *     makes a handle of the console where that is new. Any other that is not open becomes INVALID_HANDLE_VALUE;
 *   - the descriptors of a C runtime's block in lpReserved2 (any other block, as Cygwin's, is left out), whose flags
 *     also go with a stream that is one of them;
 *   - the handles of a PROC_THREAD_ATTRIBUTE_HANDLE_LIST;
 *
 * and nothing else. A handle of the list has in the child the number that it has here, inheritable, as with
 * CreateProcessW; or the call fails with ERROR_NO_MORE_ITEMS (see HANDOFF_SAME_NUMBER). A handle that is also a
 * stream or in the runtime's block need not keep its number. Nor need a handle whose number stands in braces in the
 * command line, {0x1a4} or {0x1a4:x}: braces and number become the number that the handle has in the child.
 *
 * SECURITY_ATTRIBUTES are honoured: a returned handle that is to be inheritable is, by the caller's own wish. Of
 * the attributes of an extended STARTUPINFO those pass through that a request takes.
 *
 * Some arguments mean something between CreateProcessW and its caller, who would be the launcher. They are
 * ERROR_NOT_SUPPORTED: DEBUG_PROCESS, DEBUG_ONLY_THIS_PROCESS, and the attributes that a request refuses. The command
 * line is not written to, so it may be a constant.
 */
BOOL WINAPI handoff_CreateProcessW(const wchar_t *application, const wchar_t *command_line,
                                   SECURITY_ATTRIBUTES *process_security, SECURITY_ATTRIBUTES *thread_security,
                                   BOOL inherit_handles, DWORD creation_flags, void *environment,
                                   const wchar_t *directory, STARTUPINFOW *startup, PROCESS_INFORMATION *child);

/* The same for CreateProcessA: its strings are in the ANSI code page, its environment is too unless the flags have
 * CREATE_UNICODE_ENVIRONMENT. */
BOOL WINAPI handoff_CreateProcessA(const char *application, const char *command_line,
                                   SECURITY_ATTRIBUTES *process_security, SECURITY_ATTRIBUTES *thread_security,
                                   BOOL inherit_handles, DWORD creation_flags, void *environment, const char *directory,
                                   STARTUPINFOA *startup, PROCESS_INFORMATION *child);

/* As the SDK names CreateProcess. */
#ifdef UNICODE
#define handoff_CreateProcess handoff_CreateProcessW
#else
#define handoff_CreateProcess handoff_CreateProcessA
#endif

/*
 * For children that can be changed, without a launcher: the parent offers a handle and tells the child a
 * token, in its command line, its environment or over a pipe; the child takes it.
 *
 * handoff_offer() makes a non-inheritable duplicate and writes the token, HANDOFF_TOKEN_CAPACITY units at
 * most with the NUL. It returns NULL on failure, with GetLastError(). The handle stays the caller's.
 *
 * handoff_withdraw() ends the offer, which every offer needs once, whatever became of it. TRUE: nobody had
 * taken the handle, and nobody will; the duplicate is closed. FALSE: it was taken.
 *
 * handoff_take() takes the handle out of the process that offered it, which may be any process that the
 * caller may open with PROCESS_DUP_HANDLE. The handle is non-inheritable and the caller's to close. A token is
 * to come from somebody whom the caller trusts with each of these processes: who shares memory with one of them can
 * make a token for any of its handles. A child needs no more of handoff than parent/taker/taker.c, which includes from
 * parent and common. Its errors:
 *   ERROR_INVALID_PARAMETER  that is no token
 *   ERROR_PROCESS_ABORTED    the process that offered it is gone, and its pid may be another's
 *   ERROR_CANCELLED          the offer has been withdrawn
 *   ERROR_INVALID_STATE      it was taken before
 *   ERROR_ACCESS_DENIED      that process may not be opened
 *
 * All three are safe to call from any thread.
 */
#define HANDOFF_TOKEN_CAPACITY 64

struct handoff_offering *WINAPI handoff_offer(HANDLE handle, wchar_t *token);
BOOL WINAPI handoff_withdraw(struct handoff_offering *offering);
BOOL WINAPI handoff_take(const wchar_t *token, HANDLE *handle);

/*
 * Writes the error as one line of text, without a line break, and returns its length in units. At
 * most `capacity` units are written, the closing NUL included; a longer line is cut.
 */
size_t WINAPI handoff_error_text(const struct handoff_error *error, wchar_t *text, size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
