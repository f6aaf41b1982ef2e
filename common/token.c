#include "token.h"

void token_put(struct text *text, const struct token *token)
{
    text_put_hex(text, token->process_id);
    text_put_unit(text, L':');
    text_put_hex(text, token->created);
    text_put_unit(text, L':');
    text_put_hex(text, token->page);
    text_put_unit(text, L':');
    text_put_hex(text, token->nonce);
}
