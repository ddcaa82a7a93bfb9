#include "support/test.h"

#include "support/guard.h"
#include "support/hex.h"
#include "support/random.h"
#include "wire/exchanges.h"

#include <hyperline/wire.h>

static hyl_error err;

/* The body of a message in hexadecimal, at the end of a page. */
static guarded body_of(const char *hex)
{
    hyl_buf bytes = HYL_BUF_INIT;
    hex_append(&bytes, hex);
    guarded body = guard_bytes(bytes.data, bytes.len);
    hyl_buf_reset(&bytes);
    return body;
}

static void assert_text(hyl_str text, const char *wanted)
{
    assert_int_equal(text.len, strlen(wanted));
    assert_memory_equal(text.data, wanted, text.len);
}

/* ---- Names and heads ---- */

static void messages_have_their_documented_names(void **state)
{
    (void)state;
    assert_string_equal(hyl_msg_name('D'), "DataRow");
    assert_string_equal(hyl_msg_name('Z'), "ReadyForQuery");
    assert_string_equal(hyl_msg_name('G'), "CopyInResponse");
    assert_string_equal(hyl_msg_name('2'), "BindComplete");
    assert_string_equal(hyl_msg_name('Q'), "unknown message");
    assert_string_equal(hyl_msg_name(0), "unknown message");
}

static hyl_status peek(const char *hex, uint32_t max_body, hyl_msg_head *head)
{
    guarded bytes = body_of(hex);
    hyl_status status = hyl_msg_peek(bytes.bytes, max_body, head, &err);
    guard_release(&bytes);
    return status;
}

static void a_head_needs_five_bytes(void **state)
{
    (void)state;
    hyl_msg_head head;
    assert_int_equal(peek("", 10, &head), HYL_AGAIN);
    assert_int_equal(peek("5a", 10, &head), HYL_AGAIN);
    assert_int_equal(peek("5a000000", 10, &head), HYL_AGAIN);
    assert_int_equal(peek("5a00000005", 10, &head), HYL_OK);
    assert_int_equal(head.type, 'Z');
    assert_int_equal(head.body_len, 1);
}

static void a_head_that_lies_is_refused(void **state)
{
    (void)state;
    hyl_msg_head head;
    assert_int_equal(peek("5a00000003", 10, &head), HYL_ERR_PROTOCOL);
    assert_int_equal(peek("5a00000000", 10, &head), HYL_ERR_PROTOCOL);
    assert_int_equal(peek("5affffffff", HYL_MAX_MESSAGE, &head), HYL_ERR_PROTOCOL);
    assert_string_equal(err.message, "malformed ReadyForQuery: length -1 is negative");
    assert_int_equal(peek("5a80000000", HYL_MAX_MESSAGE, &head), HYL_ERR_PROTOCOL);
    assert_int_equal(peek("510000000a", 10, &head), HYL_ERR_PROTOCOL);
    assert_int_equal(peek("000000000a", 10, &head), HYL_ERR_PROTOCOL);
    assert_int_equal(peek("480000000f", 10, &head), HYL_ERR_PROTOCOL);
    assert_non_null(strstr(err.message, "CopyOutResponse"));
    assert_non_null(strstr(err.message, "11"));
}

static void the_limit_itself_is_admitted(void **state)
{
    (void)state;
    hyl_msg_head head;
    assert_int_equal(peek("640000000e", 10, &head), HYL_OK);
    assert_int_equal(head.body_len, 10);
    assert_int_equal(peek("6440000004", HYL_MAX_MESSAGE, &head), HYL_OK);
    assert_int_equal(peek("6440000005", HYL_MAX_MESSAGE, &head), HYL_ERR_PROTOCOL);
    assert_int_equal(peek("64ffffffff", UINT32_MAX, &head), HYL_OK);
    assert_int_equal(head.body_len, UINT32_MAX - 4);
}

/* ---- What each message holds ---- */

/* Parses a body that must be good; its views live until the next call. */
static hyl_msg parse_good(uint8_t type, const char *hex)
{
    static hyl_buf bytes;
    hyl_msg message;
    hyl_buf_clear(&bytes);
    hex_append(&bytes, hex);
    assert_ok(hyl_msg_parse(type, (hyl_bytes){bytes.data, bytes.len}, &message, &err), &err);
    assert_int_equal(message.type, type);
    return message;
}

static void authentication_says_what_is_wanted(void **state)
{
    (void)state;
    hyl_msg message = parse_good('R', "00000000");
    assert_int_equal(message.as.auth.kind, HYL_AUTH_OK);
    message = parse_good('R', "00000003");
    assert_int_equal(message.as.auth.kind, HYL_AUTH_CLEARTEXT);
    message = parse_good('R', "00000005 01020304");
    assert_int_equal(message.as.auth.kind, HYL_AUTH_MD5);
    assert_memory_equal(message.as.auth.salt, "\1\2\3\4", 4);
    message = parse_good('R', "0000000b 723d78");
    assert_int_equal(message.as.auth.kind, HYL_AUTH_SASL_CONTINUE);
    assert_int_equal(message.as.auth.data.len, 3);
    message = parse_good('R', "00000063 01");
    assert_int_equal(message.as.auth.kind, 99);
}

static void sasl_mechanisms_are_listed(void **state)
{
    (void)state;
    hyl_msg message = parse_good('R', "0000000a 414200 4300 00");
    hyl_bytes rest = message.as.auth.data;
    hyl_str mechanism;
    assert_true(hyl_sasl_next(&rest, &mechanism));
    assert_text(mechanism, "AB");
    assert_true(hyl_sasl_next(&rest, &mechanism));
    assert_text(mechanism, "C");
    assert_false(hyl_sasl_next(&rest, &mechanism));
}

static void the_key_is_signed_and_zero_is_one(void **state)
{
    (void)state;
    hyl_msg message = parse_good('K', "00000000 ffffffff");
    assert_int_equal(message.as.key.process_id, 0);
    assert_int_equal(message.as.key.secret_key, -1);
}

static void texts_end_at_their_nul(void **state)
{
    (void)state;
    hyl_msg message = parse_good('C', "53454c454354203100");
    assert_text(message.as.tag, "SELECT 1");
    message = parse_good('S', "6100 00");
    assert_text(message.as.parameter.name, "a");
    assert_text(message.as.parameter.value, "");
    message = parse_good('A', "00000007 636800 7000");
    assert_int_equal(message.as.notification.process_id, 7);
    assert_text(message.as.notification.channel, "ch");
    assert_text(message.as.notification.payload, "p");
}

static void copy_responses_have_their_formats(void **state)
{
    (void)state;
    hyl_msg message = parse_good('G', "00 0002 0000 0001");
    assert_int_equal(message.as.copy.format, 0);
    assert_int_equal(message.as.copy.column_count, 2);
    assert_memory_equal(message.as.copy.formats, "\0\0\0\1", 4);
    message = parse_good('H', "01 0000");
    assert_int_equal(message.as.copy.format, 1);
    assert_int_equal(message.as.copy.column_count, 0);
    message = parse_good('d', "010203");
    assert_int_equal(message.as.data.len, 3);
    message = parse_good('d', "");
    assert_int_equal(message.as.data.len, 0);
}

static void descriptions_have_their_columns(void **state)
{
    (void)state;
    hyl_msg message = parse_good('T', "0002 6100 00000001 0002 00000017 0004 ffffffff 0000"
                                      "     00 00000000 0000 000006a4 ffff 00050006 0001");
    assert_int_equal(message.as.description.column_count, 2);
    hyl_coldesc_iter iter;
    hyl_msg_column column;
    hyl_coldesc_iter_init(&iter, &message);
    assert_true(hyl_coldesc_iter_next(&iter, &column));
    assert_text(column.name, "a");
    assert_int_equal(column.table_oid, 1);
    assert_int_equal(column.attribute, 2);
    assert_int_equal(column.type_oid, 23);
    assert_int_equal(column.type_len, 4);
    assert_int_equal(column.typmod, -1);
    assert_int_equal(column.format, 0);
    assert_true(hyl_coldesc_iter_next(&iter, &column));
    assert_text(column.name, "");
    assert_int_equal(column.type_oid, 1700);
    assert_int_equal(column.type_len, -1);
    assert_int_equal(column.typmod, (5 << 16 | 2) + 4);
    assert_int_equal(column.format, 1);
    assert_false(hyl_coldesc_iter_next(&iter, &column));
    message = parse_good('t', "0002 00000017 00000019");
    assert_int_equal(message.as.params.count, 2);
    assert_memory_equal(message.as.params.oids, "\0\0\0\x17\0\0\0\x19", 8);
}

static void ready_has_the_transaction_state(void **state)
{
    (void)state;
    assert_int_equal(parse_good('Z', "49").as.ready, 'I');
    assert_int_equal(parse_good('Z', "54").as.ready, 'T');
    assert_int_equal(parse_good('Z', "45").as.ready, 'E');
}

/* ---- What is refused ---- */

static hyl_status parse_guarded(uint8_t type, hyl_bytes bytes)
{
    hyl_msg message;
    guarded body = guard_bytes(bytes.data, bytes.len);
    hyl_status status = hyl_msg_parse(type, body.bytes, &message, &err);
    guard_release(&body);
    return status;
}

/* Whole bodies of messages whose end says where it is. */
static const struct {
    char type;
    const char *hex;
} strict[] = {
    {'R', "00000000"},
    {'R', "00000003"},
    {'R', "00000005 01020304"},
    {'R', "0000000a 414200 4300 00"},
    {'K', "00000000 ffffffff"},
    {'1', ""},
    {'2', ""},
    {'3', ""},
    {'c', ""},
    {'I', ""},
    {'n', ""},
    {'s', ""},
    {'C', "53454c454354203100"},
    {'S', "6100 6200"},
    {'A', "00000007 636800 7000"},
    {'G', "00 0002 0000 0001"},
    {'H', "00 0001 0000"},
    {'D', "0003 0000000131 ffffffff 00000000"},
    {'t', "0002 00000017 00000019"},
    {'T', "0002 6100 00000001 0002 00000017 0004 ffffffff 0000"
          "     00 00000000 0000 000006a4 ffff 00050006 0000"},
    {'Z', "49"},
};

static void a_body_ends_exactly_where_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof strict / sizeof strict[0]; i++) {
        hyl_buf bytes = HYL_BUF_INIT;
        hex_append(&bytes, strict[i].hex);
        uint8_t type = (uint8_t)strict[i].type;
        assert_ok(parse_guarded(type, (hyl_bytes){bytes.data, bytes.len}), &err);
        for (size_t len = 0; len < bytes.len; len++) {
            assert_status(parse_guarded(type, (hyl_bytes){bytes.data, len}), HYL_ERR_PROTOCOL,
                          &err);
            assert_non_null(strstr(err.message, hyl_msg_name(type)));
        }
        hyl_buf_append_byte(&bytes, 0);
        assert_status(parse_guarded(type, (hyl_bytes){bytes.data, bytes.len}), HYL_ERR_PROTOCOL,
                      &err);
        hyl_buf_reset(&bytes);
    }
}

static const struct {
    char type;
    const char *hex;
} lies[] = {
    {'T', "0003 6100 00000001 0002 00000017 0004 ffffffff 0000"}, /* more columns than there are */
    {'T', "ffff"},
    {'T', "0000 6100 00000001 0002 00000017 0004 ffffffff 0000"}, /* fewer */
    {'T', "0001 6161616161"},                                     /* a name without an end */
    {'t', "ffff 00000017"},
    {'G', "00 ffff 0000"},
    {'G', "02 0000"}, /* a format that there is not */
    {'Z', "41"},      /* a state that there is not */
    {'Z', "00"},
    {'C', "00 00"},            /* a text and more */
    {'S', "610062"},           /* no end of the value */
    {'R', "0000000a 414200"},  /* no end of the list */
    {'R', "0000000a 00 4100"}, /* mechanisms behind its end */
    {'R', "0000000a"},
    {'R', "00000000 00"},
    {'R', "00000005 010203"},
    {'R', "000000"},
    {'Q', ""}, /* no message of a server */
    {0, ""},
};

static void lies_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        hyl_buf bytes = HYL_BUF_INIT;
        hex_append(&bytes, lies[i].hex);
        assert_status(parse_guarded((uint8_t)lies[i].type, (hyl_bytes){bytes.data, bytes.len}),
                      HYL_ERR_PROTOCOL, &err);
        hyl_buf_reset(&bytes);
    }
}

/* Reads every view of a message, so that one beyond the body is noticed. */
static unsigned read_all(const hyl_msg *message)
{
    unsigned sum = 0;
    hyl_bytes cell;
    hyl_row_iter row;
    hyl_msg_column column;
    hyl_coldesc_iter columns;
    if (message->type == HYL_MSG_DATA_ROW) {
        hyl_row_iter_init(&row, message);
        while (hyl_row_iter_next(&row, &cell)) {
            for (size_t i = 0; i < cell.len; i++) {
                sum += cell.data[i];
            }
        }
        assert_int_equal(row.rest.len, 0);
    } else if (message->type == HYL_MSG_ROW_DESCRIPTION) {
        hyl_coldesc_iter_init(&columns, message);
        while (hyl_coldesc_iter_next(&columns, &column)) {
            sum += (unsigned)strnlen(column.name.data, column.name.len) + column.type_oid;
        }
        assert_int_equal(columns.left, 0);
        assert_int_equal(columns.rest.len, 0);
    } else if (message->type == HYL_MSG_ERROR_RESPONSE) {
        sum += (unsigned)(message->as.diag.message.len + message->as.diag.detail.len);
    }
    return sum;
}

/* Bodies that are mostly right: small counts and lengths, with bytes changed at random. */
static void random_bodies_are_read_within_their_bounds(void **state)
{
    (void)state;
    random_source source = random_start("random bodies", 20250101);
    const char types[] = "RK23CdcGHDIEnNAtS1sZT";
    size_t good = 0;
    for (int round = 0; round < 20000; round++) {
        uint8_t body[64];
        size_t len = random_below(&source, sizeof body + 1);
        for (size_t i = 0; i < len; i++) {
            uint64_t pick = random_below(&source, 4);
            body[i] = (uint8_t)(pick == 0   ? 0
                                : pick == 1 ? random_below(&source, 8)
                                : pick == 2 ? 'a' + random_below(&source, 26)
                                            : random_below(&source, 256));
        }
        uint8_t type = (uint8_t)types[random_below(&source, sizeof types - 1)];
        guarded copy = guard_bytes(body, len);
        hyl_msg message;
        hyl_status status = hyl_msg_parse(type, copy.bytes, &message, &err);
        if (status == HYL_OK) {
            good++;
            (void)read_all(&message);
        } else {
            assert_int_equal(status, HYL_ERR_PROTOCOL);
        }
        guard_release(&copy);
    }
    assert_true(good > 1000);
}

/* Every message of the recorded exchanges, with every byte of it changed once. */
static void changed_messages_are_read_within_their_bounds(void **state)
{
    (void)state;
    random_source source = random_start("changed messages", 20250102);
    for (size_t i = 0; i < EXCHANGE_COUNT; i++) {
        hyl_buf stream = HYL_BUF_INIT;
        hex_append(&stream, exchanges[i].received);
        for (size_t at = 0; at < stream.len;) {
            hyl_msg_head head;
            hyl_bytes rest = {stream.data + at, stream.len - at};
            assert_ok(hyl_msg_peek(rest, HYL_MAX_MESSAGE, &head, &err), &err);
            uint8_t *body = stream.data + at + HYL_MESSAGE_HEADER_SIZE;
            for (size_t j = 0; j < head.body_len; j++) {
                hyl_msg message;
                uint8_t kept = body[j];
                body[j] = (uint8_t)random_below(&source, 256);
                guarded copy = guard_bytes(body, head.body_len);
                if (hyl_msg_parse(head.type, copy.bytes, &message, NULL) == HYL_OK) {
                    (void)read_all(&message);
                }
                guard_release(&copy);
                body[j] = kept;
            }
            at += HYL_MESSAGE_HEADER_SIZE + head.body_len;
        }
        hyl_buf_reset(&stream);
    }
}

static void recorded_messages_are_all_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXCHANGE_COUNT; i++) {
        hyl_buf stream = HYL_BUF_INIT;
        hex_append(&stream, exchanges[i].received);
        size_t count = 0;
        for (size_t at = 0; at < stream.len; count++) {
            hyl_msg_head head;
            hyl_bytes rest = {stream.data + at, stream.len - at};
            assert_ok(hyl_msg_peek(rest, HYL_MAX_MESSAGE, &head, &err), &err);
            hyl_bytes body = {rest.data + HYL_MESSAGE_HEADER_SIZE, head.body_len};
            assert_ok(parse_guarded(head.type, body), &err);
            at += HYL_MESSAGE_HEADER_SIZE + head.body_len;
        }
        assert_int_equal(count, exchanges[i].message_count);
        hyl_buf_reset(&stream);
    }
}

/* ---- Tags ---- */

static void tags_say_how_many_rows(void **state)
{
    (void)state;
    static const struct {
        const char *tag;
        int64_t rows;
    } tags[] = {
        {"INSERT 0 5", 5},
        {"SELECT 7", 7},
        {"COPY 9", 9},
        {"UPDATE 0", 0},
        {"DELETE 9223372036854775807", INT64_MAX},
        {"DELETE 9223372036854775808", -1},
        {"SELECT 99999999999999999999", -1},
        {"CREATE TABLE", -1},
        {"BEGIN", -1},
        {"SELECT ", -1},
        {"SELECT x7", -1},
        {"SELECT -7", -1},
        {"7", -1},
        {" 7", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        guarded tag = guard_bytes(tags[i].tag, strlen(tags[i].tag));
        assert_int_equal(hyl_tag_rows(guard_str(&tag)), tags[i].rows);
        guard_release(&tag);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_have_their_documented_names),
        cmocka_unit_test(a_head_needs_five_bytes),
        cmocka_unit_test(a_head_that_lies_is_refused),
        cmocka_unit_test(the_limit_itself_is_admitted),
        cmocka_unit_test(authentication_says_what_is_wanted),
        cmocka_unit_test(sasl_mechanisms_are_listed),
        cmocka_unit_test(the_key_is_signed_and_zero_is_one),
        cmocka_unit_test(texts_end_at_their_nul),
        cmocka_unit_test(copy_responses_have_their_formats),
        cmocka_unit_test(descriptions_have_their_columns),
        cmocka_unit_test(ready_has_the_transaction_state),
        cmocka_unit_test(a_body_ends_exactly_where_it_says),
        cmocka_unit_test(lies_are_refused),
        cmocka_unit_test(random_bodies_are_read_within_their_bounds),
        cmocka_unit_test(changed_messages_are_read_within_their_bounds),
        cmocka_unit_test(recorded_messages_are_all_good),
        cmocka_unit_test(tags_say_how_many_rows),
    };
    return cmocka_run_group_tests_name("wire/decode", tests, NULL, NULL);
}
