/*
 * Speaks the protocol message by message: logs in, sends a query, and prints each message of the
 * answer. For tools that look at the protocol, and for proxies; most programs want hyperline.h.
 *
 *     raw localhost:7483 "SELECT 1 AS a, NULL AS b"
 */
#include <hyperline/raw.h>

#include <stdio.h>

static void print_message(const hyl_msg *message)
{
    printf("%s", hyl_msg_name((uint8_t)message->type));
    if (message->type == HYL_MSG_DATA_ROW) {
        hyl_row_iter cells;
        hyl_bytes cell; /* text, as no other format was asked for */
        hyl_row_iter_init(&cells, message);
        while (hyl_row_iter_next(&cells, &cell)) {
            if (cell.data == NULL) {
                printf(" NULL");
            } else {
                printf(" '%.*s'", (int)cell.len, (const char *)cell.data);
            }
        }
    } else if (message->type == HYL_MSG_COMMAND_COMPLETE) {
        printf(" %.*s", (int)message->as.tag.len, message->as.tag.data);
    }
    putchar('\n');
}

/* Every request is answered up to exactly one ReadyForQuery: then the next one may be sent. */
static hyl_status converse(hyl_raw *raw, const char *sql, hyl_error *err)
{
    const hyl_pair params[] = {{"user", "tableau_internal_user"}};
    hyl_msg message = {0};
    HYL_TRY(hyl_raw_startup(raw, params, 1, NULL, err));
    HYL_TRY(hyl_raw_start_simple_query(raw, hyl_str_of(sql), err));
    while (message.type != HYL_MSG_READY_FOR_QUERY) {
        HYL_TRY(hyl_raw_read_message(raw, &message, err));
        print_message(&message);
        if (message.type == HYL_MSG_ERROR_RESPONSE) {
            return hyl_raw_consume_error(raw, &message, err); /* reads to ReadyForQuery */
        }
    }
    return hyl_raw_terminate(raw, err);
}

int main(int argc, char **argv)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_endpoint endpoint;
    hyl_transport transport = {NULL, NULL};
    hyl_raw *raw = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: raw HOST:PORT SQL\n");
        return 2;
    }
    hyl_status status = hyl_endpoint_parse(argv[1], &endpoint, &err);
    if (status == HYL_OK) {
        status = hyl_transport_open(&endpoint, INT64_MAX, &transport, &err); /* no deadline */
    }
    if (status == HYL_OK) {
        status = hyl_raw_new(&transport, NULL, &raw, &err); /* takes the transport over */
    }
    if (status == HYL_OK) {
        status = converse(raw, argv[2], &err);
    }
    if (status < 0) {
        fprintf(stderr, "raw: %s\n", err.message);
    }
    hyl_raw_free(raw);
    hyl_transport_close(&transport); /* none, once a connection has taken it over */
    return status < 0;
}
