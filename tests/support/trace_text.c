/* Messages as people read them. */
#include "support/trace.h"

#include "support/test.h"

#include "base/endian.h"

#include <hyperline/wire.h>

/* ---- Pieces -------------------------------------------------------------------------------- */

/* Bytes as text, between quotes: what is no printable ASCII as \xx, and cut where it is long. */
static void put_bytes(hyl_buf *out, const void *bytes, size_t len)
{
    enum { LONGEST = 60 };
    const uint8_t *at = bytes;
    hyl_buf_append_byte(out, '"');
    for (size_t i = 0; i < len && i < LONGEST; i++) {
        if (at[i] >= ' ' && at[i] < 0x7f && at[i] != '"' && at[i] != '\\') {
            hyl_buf_append_byte(out, at[i]);
        } else {
            hyl_buf_printf(out, "\\%02x", at[i]);
        }
    }
    hyl_buf_append_str(out, len > LONGEST ? "\"..." : "\"");
}

static void put_str(hyl_buf *out, hyl_str str)
{
    put_bytes(out, str.data, str.len);
}

/* ---- The server's -------------------------------------------------------------------------- */

static void put_row(hyl_buf *out, const hyl_msg *row)
{
    hyl_row_iter iter;
    hyl_bytes cell;
    const char *before = "";
    hyl_row_iter_init(&iter, row);
    while (hyl_row_iter_next(&iter, &cell)) {
        hyl_buf_append_str(out, before);
        before = ", ";
        if (cell.data == NULL) {
            hyl_buf_append_str(out, "NULL");
        } else {
            put_bytes(out, cell.data, cell.len);
        }
    }
}

static void put_description(hyl_buf *out, const hyl_msg *description)
{
    hyl_coldesc_iter iter;
    hyl_msg_column column;
    const char *before = "";
    hyl_coldesc_iter_init(&iter, description);
    while (hyl_coldesc_iter_next(&iter, &column)) {
        hyl_buf_append_str(out, before);
        before = ", ";
        put_str(out, column.name);
        hyl_buf_append_byte(out, ' ');
        hyl_type_format(hyl_type_from_oid(column.type_oid, column.typmod), out);
    }
}

static void put_diag(hyl_buf *out, const hyl_msg_diag *diag)
{
    hyl_buf_printf(out, "%.*s %.*s ", (int)diag->severity.len, diag->severity.data,
                   (int)diag->sqlstate.len, diag->sqlstate.data);
    put_str(out, diag->message);
    if (diag->position != 0) {
        hyl_buf_printf(out, " at %d", (int)diag->position);
    }
}

static void put_server_message(hyl_buf *out, const hyl_msg *message)
{
    switch (message->type) {
    case HYL_MSG_AUTHENTICATION:
        hyl_buf_printf(out, "%d", (int)message->as.auth.kind);
        break;
    case HYL_MSG_COMMAND_COMPLETE:
        put_str(out, message->as.tag);
        break;
    case HYL_MSG_COPY_DATA:
        put_bytes(out, message->as.data.data, message->as.data.len);
        break;
    case HYL_MSG_DATA_ROW:
        put_row(out, message);
        break;
    case HYL_MSG_ERROR_RESPONSE:
    case HYL_MSG_NOTICE_RESPONSE:
        put_diag(out, &message->as.diag);
        break;
    case HYL_MSG_PARAMETER_STATUS:
        put_str(out, message->as.parameter.name);
        hyl_buf_append_byte(out, ' ');
        put_str(out, message->as.parameter.value);
        break;
    case HYL_MSG_READY_FOR_QUERY:
        hyl_buf_append_byte(out, (uint8_t)message->as.ready);
        break;
    case HYL_MSG_ROW_DESCRIPTION:
        put_description(out, message);
        break;
    default:
        break;
    }
}

/* ---- The client's -------------------------------------------------------------------------- */

static const struct {
    char type;
    const char *name;
} client_messages[] = {
    {'B', "Bind"},
    {'C', "Close"},
    {'D', "Describe"},
    {'E', "Execute"},
    {'H', "Flush"},
    {'P', "Parse"},
    {'Q', "Query"},
    {'S', "Sync"},
    {'X', "Terminate"},
    {'c', "CopyDone"},
    {'d', "CopyData"},
    {'f', "CopyFail"},
    {'p', "PasswordMessage"},
};

static const char *client_name(uint8_t type)
{
    for (size_t i = 0; i < sizeof client_messages / sizeof client_messages[0]; i++) {
        if (client_messages[i].type == (char)type) {
            return client_messages[i].name;
        }
    }
    fail_msg("no client sends message '%c'", type);
    return "";
}

/* A message without a type: length, and a code that tells which it is. */
static const char *first_name(hyl_bytes message)
{
    switch (hyl__load_be32(message.data + 4)) {
    case 80877102:
        return "CancelRequest";
    case 80877103:
        return "SSLRequest";
    default:
        return "StartupMessage";
    }
}

/* ---- Both ---------------------------------------------------------------------------------- */

void trace_message_text(trace_side side, bool first, hyl_bytes message, hyl_buf *out)
{
    hyl_error err = HYL_ERROR_INIT;
    size_t header = first ? 4 : HYL_MESSAGE_HEADER_SIZE;
    hyl_bytes body = {message.data + header, message.len - header};
    if (side == TRACE_SERVER) {
        hyl_msg parsed;
        assert_ok(hyl_msg_parse(message.data[0], body, &parsed, &err), &err);
        hyl_buf_printf(out, "%s %zu: ", hyl_msg_name(message.data[0]), message.len);
        put_server_message(out, &parsed);
    } else {
        hyl_buf_printf(out, "%s %zu: ", first ? first_name(message) : client_name(message.data[0]),
                       message.len);
        put_bytes(out, body.data, body.len);
    }
}
