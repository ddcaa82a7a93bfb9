#include "raw.h"

#include "config_parts.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/opts.h"

static const hyl_raw_opts default_opts = {
    .struct_size = sizeof(hyl_raw_opts),
    .timeout_ms = -1,
    .max_message = HYL_MAX_MESSAGE,
    .max_result = UINT64_C(1) << 30,
    .max_copy_data = HYL_MAX_COPY_DATA,
    .max_unread = UINT64_C(256) << 20,
    .drain_timeout_ms = 5000,
    .drain_limit = UINT64_C(64) << 20,
};

/* Zero means the default. */
static hyl_raw_opts fill_opts(hyl_raw_opts opts)
{
    opts.max_message = opts.max_message != 0 ? opts.max_message : default_opts.max_message;
    opts.max_result = opts.max_result != 0 ? opts.max_result : default_opts.max_result;
    opts.max_copy_data = opts.max_copy_data != 0 ? opts.max_copy_data : default_opts.max_copy_data;
    opts.max_unread = opts.max_unread != 0 ? opts.max_unread : default_opts.max_unread;
    opts.drain_timeout_ms =
        opts.drain_timeout_ms != 0 ? opts.drain_timeout_ms : default_opts.drain_timeout_ms;
    opts.drain_limit = opts.drain_limit != 0 ? opts.drain_limit : default_opts.drain_limit;
    return opts;
}

static hyl_status read_rules(const hyl_raw_opts *opts, hyl__auth_rules *rules, hyl_error *err)
{
    if (opts->require_auth != NULL) {
        HYL_TRY(hyl__config_check(HYL__KEY_require_auth, opts->require_auth, err));
        (void)hyl__parse_require_auth(opts->require_auth, &rules->allowed);
    }
    if (opts->channel_binding != NULL) {
        HYL_TRY(hyl__config_check(HYL__KEY_channel_binding, opts->channel_binding, err));
        (void)hyl__parse_channel_binding(opts->channel_binding, &rules->binding);
    }
    return HYL_OK;
}

hyl_status hyl_raw_new(hyl_transport *transport, const hyl_raw_opts *opts, hyl_raw **out,
                       hyl_error *err)
{
    if (transport == NULL || transport->ops == NULL) {
        return hyl__fail(err, HYL_ERR_ARG, "a raw connection needs a transport");
    }
    hyl_raw_opts read = default_opts;
    hyl__auth_rules rules = {0};
    HYL_TRY(hyl__opts_read(&read, sizeof read, opts, "HYL_RAW_OPTS_INIT", err));
    HYL_TRY(read_rules(&read, &rules, err));
    hyl_raw *raw = hyl__calloc(1, sizeof *raw);
    if (raw == NULL) {
        return hyl__fail_nomem(err);
    }
    raw->opts = fill_opts(read);
    raw->opts.require_auth = NULL; /* the caller's, and read */
    raw->opts.channel_binding = NULL;
    raw->rules = rules;
    raw->default_binding = read.channel_binding == NULL;
    raw->deadline = HYL__NO_DEADLINE;
    if (hyl__frame_init(&raw->frame, 0, raw->opts.max_message) != HYL_OK ||
        hyl_buf_reserve(&raw->frame.out, HYL__FRAME_WINDOW) != HYL_OK) {
        hyl_raw_free(raw);
        return hyl__fail_nomem(err);
    }
    raw->transport = *transport;
    *transport = (hyl_transport){NULL, NULL};
    *out = raw;
    return HYL_OK;
}

void hyl_raw_free(hyl_raw *raw)
{
    if (raw == NULL) {
        return;
    }
    hyl_transport_close(&raw->transport);
    hyl__frame_reset(&raw->frame);
    hyl_buf_reset(&raw->diag_text);
    hyl__parameters_reset(&raw->parameters);
    hyl__free(raw);
}

hyl_transport *hyl_raw_stream(hyl_raw *raw)
{
    return &raw->transport;
}

void hyl_raw_set_timeout(hyl_raw *raw, int64_t timeout_ms)
{
    raw->opts.timeout_ms = timeout_ms;
}

bool hyl_raw_is_healthy(const hyl_raw *raw)
{
    return !raw->desynchronised && !raw->terminated;
}

bool hyl_raw_has_key(const hyl_raw *raw)
{
    return raw->has_key;
}

int32_t hyl_raw_process_id(const hyl_raw *raw)
{
    return raw->process_id;
}

int32_t hyl_raw_secret_key(const hyl_raw *raw)
{
    return raw->secret_key;
}

const char *hyl_raw_parameter_status(const hyl_raw *raw, const char *name)
{
    return hyl__parameters_get(&raw->parameters, name);
}

const hyl_msg_diag *hyl_raw_diag(const hyl_raw *raw)
{
    return raw->has_diag ? &raw->diag : NULL;
}

hyl_status hyl__raw_mark(hyl_raw *raw, hyl_status status, hyl_error *err)
{
    raw->desynchronised = true;
    return hyl__error_flag(err, status, HYL_ERROR_CONNECTION_LOST);
}

static hyl_status check_healthy(const hyl_raw *raw, hyl_error *err)
{
    if (raw->terminated) {
        return hyl__fail(err, HYL_ERR_CLOSED, "the connection was terminated; open a new one");
    }
    if (raw->desynchronised) {
        hyl_status status =
            hyl__fail(err, HYL_ERR_DESYNC,
                      "the connection is desynchronised from the server: discard it and open a "
                      "new one");
        return hyl__error_flag(err, status, HYL_ERROR_CONNECTION_LOST);
    }
    return HYL_OK;
}

hyl_status hyl__raw_enter(hyl_raw *raw, hyl_error *err)
{
    HYL_TRY(check_healthy(raw, err));
    raw->deadline = hyl__deadline_in(raw->opts.timeout_ms);
    return HYL_OK;
}

hyl_status hyl__raw_enter_request(hyl_raw *raw, bool extended, hyl_error *err)
{
    HYL_TRY(hyl__raw_enter(raw, err));
    raw->extended = extended;
    raw->has_diag = false;
    return HYL_OK;
}

bool hyl__raw_is_free(const hyl_raw *raw)
{
    return raw->idle && (!raw->counted || raw->pending == 0);
}

bool hyl__raw_is_idle(const hyl_raw *raw)
{
    return hyl__raw_is_free(raw) && hyl__frame_unsent(&raw->frame) == 0;
}

hyl_buf *hyl_raw_write_buffer(hyl_raw *raw)
{
    return &raw->frame.out;
}

hyl_status hyl_raw_reserve_write_buffer(hyl_raw *raw, size_t extra, hyl_error *err)
{
    return hyl_buf_reserve(&raw->frame.out, extra) == HYL_OK ? HYL_OK : hyl__fail_nomem(err);
}

hyl_status hyl_raw_flush(hyl_raw *raw, hyl_error *err)
{
    HYL_TRY(hyl__raw_enter(raw, err));
    return hyl__raw_flush(raw, err);
}

hyl_status hyl_raw_read_message(hyl_raw *raw, hyl_msg *out, hyl_error *err)
{
    raw->deadline = hyl__deadline_in(raw->opts.timeout_ms);
    return hyl__raw_next(raw, out, err);
}

hyl_status hyl_raw_terminate(hyl_raw *raw, hyl_error *err)
{
    if (raw->terminated) {
        return HYL_OK;
    }
    raw->terminated = true;
    if (raw->dead || raw->cut) {
        return HYL_OK;
    }
    if (raw->desynchronised) {
        /* What waits belongs to a conversation that is over. */
        hyl_buf_clear(&raw->frame.out);
    }
    raw->deadline = hyl__deadline_in(raw->opts.timeout_ms);
    HYL_TRY(hyl_enc_terminate(&raw->frame.out, err));
    return hyl__raw_flush(raw, err);
}
