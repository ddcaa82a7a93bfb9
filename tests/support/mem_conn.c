#include "support/mem_conn.h"

#include "support/test.h"

#include "base/clock.h"

hyl_config *mem_config(const char *settings)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *config = NULL;
    assert_ok(hyl_config_new(&config, &err), &err);
    assert_ok(hyl_config_parse(config, "endpoint=/no/such/socket", &err), &err);
    if (settings != NULL) {
        assert_ok(hyl_config_parse(config, settings, &err), &err);
    }
    return config;
}

mem_conn mem_conn_open(const char *settings)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *config = mem_config(settings);
    mem_conn mem = {.peer = NULL};
    hyl_buf login = HYL_BUF_INIT;
    assert_int_equal(hyl_mem_peer_new(&mem.peer), HYL_OK);
    backend_login(&login);
    mem_peer_say(mem.peer, 0, &login);
    hyl_transport transport;
    mem.gate = gate_new(hyl_mem_peer_transport(mem.peer), &transport);
    assert_ok(hyl__conn_open(config, &transport, HYL__NO_DEADLINE, &mem.conn, &err), &err);
    mem_forget(&mem);
    hyl_config_free(config);
    return mem;
}

void mem_conn_close(mem_conn *mem)
{
    hyl_conn_free(mem->conn);
    hyl_mem_peer_free(mem->peer);
}

void mem_peer_say(hyl_mem_peer *peer, size_t after, hyl_buf *messages)
{
    hyl_bytes bytes = {messages->data, messages->len};
    assert_int_equal(hyl_mem_peer_reply(peer, after, bytes), HYL_OK);
    hyl_buf_reset(messages);
}

void mem_say(mem_conn *mem, hyl_buf *messages)
{
    mem_peer_say(mem->peer, 0, messages);
}

void mem_say_after(mem_conn *mem, size_t more, hyl_buf *messages)
{
    size_t now = mem->forgotten + hyl_mem_peer_written(mem->peer).len;
    mem_peer_say(mem->peer, now + more - mem->said_at, messages);
    mem->said_at = now + more;
}

void mem_forget(mem_conn *mem)
{
    mem->forgotten += hyl_mem_peer_written(mem->peer).len;
    hyl_mem_peer_forget(mem->peer);
}

void mem_say_done(mem_conn *mem, const char *tag, char tx_status)
{
    hyl_buf messages = HYL_BUF_INIT;
    backend_tag(&messages, tag);
    backend_ready(&messages, tx_status);
    mem_say(mem, &messages);
}

void mem_say_error(mem_conn *mem, const char *sqlstate, const char *message, char tx_status)
{
    hyl_buf messages = HYL_BUF_INIT;
    backend_error(&messages, sqlstate, message);
    backend_ready(&messages, tx_status);
    mem_say(mem, &messages);
}

void mem_say_ints(mem_conn *mem, int32_t count)
{
    char tag[32];
    hyl_buf messages = HYL_BUF_INIT;
    backend_int_description(&messages);
    for (int32_t i = 1; i <= count; i++) {
        backend_int_row(&messages, i);
    }
    snprintf(tag, sizeof tag, "SELECT %d", (int)count);
    backend_tag(&messages, tag);
    backend_ready(&messages, 'I');
    mem_say(mem, &messages);
}

void mem_assert_written(mem_conn *mem, const void *bytes, size_t len)
{
    hyl_bytes written = hyl_mem_peer_written(mem->peer);
    assert_int_equal(written.len, len);
    if (len > 0) {
        assert_memory_equal(written.data, bytes, len);
    }
    mem_forget(mem);
}

void mem_assert_queried(mem_conn *mem, const char *sql)
{
    hyl_buf message = HYL_BUF_INIT;
    assert_int_equal(hyl_enc_query(&message, hyl_str_of(sql), NULL), HYL_OK);
    mem_assert_written(mem, message.data, message.len);
    hyl_buf_reset(&message);
}

void mem_assert_in_step(mem_conn *mem)
{
    hyl_error err = HYL_ERROR_INIT;
    int64_t affected = 0;
    mem_say_done(mem, "DELETE 77", 'I');
    assert_ok(hyl_exec(mem->conn, "DELETE FROM t", &affected, &err), &err);
    assert_int_equal(affected, 77);
    assert_int_equal(hyl_conn_health(mem->conn), HYL_HEALTH_OK);
}

void mem_assert_lost(mem_conn *mem, hyl_status status)
{
    hyl_result *result = NULL;
    hyl_copy *copy = NULL;
    int64_t whole = 0;
    mem_forget(mem);
    for (int i = 0; i < 2; i++) {
        hyl_error err = HYL_ERROR_INIT;
        assert_status(hyl_query(mem->conn, "SELECT 1", &result, &err), status, &err);
        assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
        assert_true(err.message[0] != '\0');
        assert_status(hyl_exec(mem->conn, "SELECT 1", NULL, &err), status, &err);
        assert_status(hyl_exec(mem->conn, "ROLLBACK", NULL, &err), status, &err);
        assert_status(hyl_exec_script(mem->conn, "SELECT 1; SELECT 2", NULL, &err), status, &err);
        assert_status(hyl_query_i64(mem->conn, "SELECT 1", &whole, &err), status, &err);
        assert_status(hyl_copy_in_open(mem->conn, "COPY", &copy, &err), status, &err);
        assert_status(hyl_copy_out_open(mem->conn, "COPY", &copy, &err), status, &err);
        assert_status(hyl_ping(mem->conn, &err), status, &err);
    }
    assert_null(result);
    assert_null(copy);
    assert_int_equal(hyl_mem_peer_written(mem->peer).len, 0);
    assert_int_equal(hyl_conn_health(mem->conn),
                     status == HYL_ERR_CLOSED ? HYL_HEALTH_CLOSED : HYL_HEALTH_DESYNC);
}
