#include "support/raw_rig.h"

raw_rig raw_rig_new(const hyl_raw_opts *opts)
{
    raw_rig rig = {.peer = NULL};
    hyl_error err = HYL_ERROR_INIT;
    assert_int_equal(hyl_mem_peer_new(&rig.peer), HYL_OK);
    hyl_transport transport;
    rig.gate = gate_new(hyl_mem_peer_transport(rig.peer), &transport);
    assert_ok(hyl_raw_new(&transport, opts, &rig.raw, &err), &err);
    assert_null(transport.ops);
    return rig;
}

raw_rig raw_rig_started(const hyl_raw_opts *opts)
{
    const hyl_pair params[] = {{"user", "u"}};
    hyl_error err = HYL_ERROR_INIT;
    raw_rig rig = raw_rig_new(opts);
    SAYS(&rig, M_AUTH_OK M_KEY M_READY);
    assert_ok(hyl_raw_startup(rig.raw, params, 1, NULL, &err), &err);
    hyl_mem_peer_forget(rig.peer);
    return rig;
}

void raw_rig_free(raw_rig *rig)
{
    hyl_raw_free(rig->raw);
    hyl_mem_peer_free(rig->peer);
    *rig = (raw_rig){.peer = NULL};
}

void raw_rig_says(raw_rig *rig, hyl_bytes messages)
{
    assert_int_equal(hyl_mem_peer_reply(rig->peer, 0, messages), HYL_OK);
}

void raw_rig_wrote(raw_rig *rig, hyl_bytes wanted)
{
    hyl_bytes written = hyl_mem_peer_written(rig->peer);
    assert_int_equal(written.len, wanted.len);
    if (wanted.len > 0) {
        assert_memory_equal(written.data, wanted.data, wanted.len);
    }
    hyl_mem_peer_forget(rig->peer);
}

void raw_rig_in_step(raw_rig *rig)
{
    hyl_raw_messages *messages = NULL;
    hyl_error err = HYL_ERROR_INIT;
    hyl_msg message;
    assert_true(hyl_raw_is_healthy(rig->raw));
    hyl_mem_peer_forget(rig->peer);
    SAYS(rig, "C\0\0\0\015SELECT 7\0" M_READY);
    assert_ok(hyl_raw_simple_query(rig->raw, HYL_STR("q"), &messages, &err), &err);
    assert_int_equal(hyl_raw_messages_count(messages), 2);
    assert_true(hyl_raw_messages_get(messages, 0, &message));
    assert_int_equal(hyl_tag_rows(message.as.tag), 7);
    hyl_raw_messages_free(messages);
    WROTE(rig, "Q\0\0\0\6q\0");
}

void raw_rig_marked(raw_rig *rig)
{
    hyl_raw_messages *messages = NULL;
    hyl_error err = HYL_ERROR_INIT;
    assert_false(hyl_raw_is_healthy(rig->raw));
    hyl_mem_peer_forget(rig->peer);
    assert_status(hyl_raw_simple_query(rig->raw, HYL_STR("q"), &messages, &err), HYL_ERR_DESYNC,
                  &err);
    assert_null(messages);
    WROTE(rig, "");
}

void raw_rig_reads(raw_rig *rig, hyl_msg_type type)
{
    hyl_msg message;
    hyl_error err = HYL_ERROR_INIT;
    assert_ok(hyl_raw_read_message(rig->raw, &message, &err), &err);
    assert_int_equal(message.type, type);
}
