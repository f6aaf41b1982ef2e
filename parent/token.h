/* Where a claim page is, as text for a command line: the process that owns it, by pid and creation
 * time (a pid alone may be recycled), the page's handle there, and its nonce. No OS calls. */
#ifndef HANDOFF_TOKEN_H
#define HANDOFF_TOKEN_H

#include "text.h"

struct token {
    uint32_t process_id;
    uint64_t created; /* FILETIME of the process' creation: 100 ns since 1601 */
    uint64_t page;
    uint64_t nonce;
};

enum { TOKEN_CAPACITY = 8 + 3 * 16 + 3 + 1 };

/* pid:created:page:nonce, all hexadecimal. */
void token_put(struct text *text, const struct token *token);

/* False unless the whole text is a token as token_put() writes it. */
bool token_parse(const wchar_t *text, struct token *token);

#endif
