/*
 * The server's messages, to be fed to the protocol engine or said by the in-memory peer. Every
 * function appends one whole message.
 */
#ifndef HYL_TESTS_SUPPORT_BACKEND_H
#define HYL_TESTS_SUPPORT_BACKEND_H

#include <hyperline/types.h>

/* A message with any body. */
void backend_message(hyl_buf *out, char type, const void *body, size_t len);

void backend_auth_ok(hyl_buf *out);
void backend_key(hyl_buf *out, int32_t process_id, int32_t secret_key);
void backend_parameter(hyl_buf *out, const char *name, const char *value);
void backend_ready(hyl_buf *out, char tx_status);
void backend_tag(hyl_buf *out, const char *tag);

/* `fields`: pairs of a field's letter and its text, "M" and "text", up to NULL. */
void backend_diag(hyl_buf *out, char type, const char *const *fields);
/* An ErrorResponse of severity FATAL, with which a server says goodbye; and one of ERROR. */
void backend_fatal(hyl_buf *out, const char *sqlstate, const char *message);
void backend_error(hyl_buf *out, const char *sqlstate, const char *message);
void backend_notice(hyl_buf *out, const char *message);
void backend_notification(hyl_buf *out, const char *channel);

/* A column of a RowDescription. */
typedef struct backend_column {
    const char *name;
    hyl_type type;
} backend_column;

void backend_description(hyl_buf *out, const backend_column *columns, size_t count);
/* Cells; data NULL is SQL NULL. */
void backend_row(hyl_buf *out, const hyl_bytes *cells, size_t count);
/* A RowDescription of one integer column "n", and a row of it in HyperBinary. */
void backend_int_description(hyl_buf *out);
void backend_int_row(hyl_buf *out, int32_t value);

/* `type`: 'G' or 'H'. */
void backend_copy_response(hyl_buf *out, char type);
void backend_copy_data(hyl_buf *out, const void *bytes, size_t len);

/* Authentication to ReadyForQuery as hyperd sends it, with a key. */
void backend_login(hyl_buf *out);

/* How many bytes the client sends to log in, whatever the test's config says, is for the peer to
 * see; a Query of this text has this many. */
size_t backend_query_size(const char *sql);

#endif
