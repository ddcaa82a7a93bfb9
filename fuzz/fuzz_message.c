/*
 * The message decoder. Input: a message's type, then its body. What is accepted must be readable to
 * its last cell, and nothing outside of the body may be viewed.
 */
#include "fuzz.h"

#include "wire/diag.h"
#include "wire/row.h"

static hyl_bytes body;

static void check_view(const void *data, size_t len)
{
    const uint8_t *at = data;
    FUZZ_CHECK(len == 0 ||
               (at >= body.data && len <= body.len && (size_t)(at - body.data) <= body.len - len));
}

static void check_str(hyl_str str)
{
    check_view(str.data, str.len);
}

static void read_row(const hyl_msg *message)
{
    hyl_row_iter iter;
    hyl_bytes cell;
    size_t count = message->as.row.column_count;
    hyl_bytes *cells = malloc((count + 1) * sizeof *cells);
    FUZZ_CHECK(cells != NULL && hyl__row_view(body, cells, count));
    hyl_row_iter_init(&iter, message);
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(hyl_row_iter_next(&iter, &cell));
        FUZZ_CHECK(cell.data == cells[i].data && cell.len == cells[i].len);
        check_view(cell.data, cell.len);
    }
    FUZZ_CHECK(!hyl_row_iter_next(&iter, &cell));
    free(cells);
}

static void read_description(const hyl_msg *message)
{
    hyl_coldesc_iter iter;
    hyl_msg_column column;
    hyl_coldesc_iter_init(&iter, message);
    for (size_t i = 0; i < message->as.description.column_count; i++) {
        FUZZ_CHECK(hyl_coldesc_iter_next(&iter, &column));
        check_str(column.name);
        hyl_buf name = HYL_BUF_INIT;
        hyl_type_format(hyl_type_from_oid(column.type_oid, column.typmod), &name);
        hyl_buf_reset(&name);
    }
    FUZZ_CHECK(!hyl_coldesc_iter_next(&iter, &column));
}

static void read_diag(const hyl_msg_diag *diag)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf texts = HYL_BUF_INIT;
    hyl_msg_diag copy;
    check_str(diag->severity);
    check_str(diag->sqlstate);
    check_str(diag->message);
    check_str(diag->detail);
    check_str(diag->hint);
    check_str(diag->blame);
    FUZZ_CHECK(hyl__fail_server(&err, diag) == HYL_ERR_SERVER);
    FUZZ_CHECK(memchr(err.message, '\0', sizeof err.message) != NULL);
    FUZZ_CHECK(hyl__diag_copy(diag, &texts, &copy) == HYL_OK);
    FUZZ_CHECK(copy.message.len == diag->message.len);
    hyl_buf_reset(&texts);
}

static void read_authentication(const hyl_msg_auth *message)
{
    hyl_bytes rest = message->data;
    hyl_str mechanism;
    check_view(message->data.data, message->data.len);
    while (message->kind == HYL_AUTH_SASL && hyl_sasl_next(&rest, &mechanism)) {
        check_str(mechanism);
    }
}

static void read_parsed(const hyl_msg *message)
{
    switch (message->type) {
    case HYL_MSG_DATA_ROW:
        read_row(message);
        break;
    case HYL_MSG_ROW_DESCRIPTION:
        read_description(message);
        break;
    case HYL_MSG_ERROR_RESPONSE:
    case HYL_MSG_NOTICE_RESPONSE:
        read_diag(&message->as.diag);
        break;
    case HYL_MSG_AUTHENTICATION:
        read_authentication(&message->as.auth);
        break;
    case HYL_MSG_COMMAND_COMPLETE:
        check_str(message->as.tag);
        FUZZ_CHECK(hyl_tag_rows(message->as.tag) >= -1);
        break;
    case HYL_MSG_PARAMETER_STATUS:
        check_str(message->as.parameter.name);
        check_str(message->as.parameter.value);
        break;
    case HYL_MSG_NOTIFICATION_RESPONSE:
        check_str(message->as.notification.channel);
        check_str(message->as.notification.payload);
        break;
    case HYL_MSG_COPY_IN_RESPONSE:
    case HYL_MSG_COPY_OUT_RESPONSE:
        check_view(message->as.copy.formats, message->as.copy.column_count * 2U);
        break;
    case HYL_MSG_PARAMETER_DESCRIPTION:
        check_view(message->as.params.oids, message->as.params.count * 4U);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hyl_bytes input = {data, size};
    hyl_error err = HYL_ERROR_INIT;
    hyl_msg_head head;
    hyl_msg message;
    hyl_status peeked = hyl_msg_peek(input, HYL_MAX_MESSAGE, &head, &err);
    FUZZ_CHECK((peeked == HYL_AGAIN) == (size < HYL_MESSAGE_HEADER_SIZE));
    uint8_t type = fuzz_byte(&input);
    body = (hyl_bytes){fuzz_copy(input), input.len};
    hyl_status status = hyl_msg_parse(type, body, &message, &err);
    if (status == HYL_OK) {
        FUZZ_CHECK(message.type == (hyl_msg_type)type);
        read_parsed(&message);
    } else {
        FUZZ_CHECK(status == HYL_ERR_PROTOCOL && err.message[0] != '\0');
    }
    free((void *)(uintptr_t)body.data);
    return 0;
}
