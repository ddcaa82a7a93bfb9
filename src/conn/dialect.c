#include "dialect.h"

#include "base/error.h"
#include "base/mem.h"

#include <string.h>

enum { MOST_OWN_PARAMS = 8 };

/* ---- Login --------------------------------------------------------------------------------- */

static void add(hyl__startup *startup, const char *key, const char *value)
{
    startup->params[startup->count++] = (hyl_pair){key, value};
}

/*
 * Hyper's `options`: -c name='value' for each session setting, a backslash before quotes and
 * backslashes in the value, which is how the server reads it. The binary default format makes the
 * rows of a simple query binary: the cheapest round trip there is.
 */
static void write_options(const hyl__settings *settings, hyl_buf *out)
{
    hyl_buf_append_str(out, "-c result_format_code=HyperBinary");
    for (size_t i = 0; i < settings->session_setting_count; i++) {
        const hyl_pair *setting = &settings->session_settings[i];
        hyl_buf_printf(out, " -c %s='", setting->key);
        for (const char *c = setting->value; *c != '\0'; c++) {
            if (*c == '\'' || *c == '\\') {
                hyl_buf_append_byte(out, '\\');
            }
            hyl_buf_append_byte(out, (uint8_t)*c);
        }
        hyl_buf_append_byte(out, '\'');
    }
    hyl_buf_append_byte(out, 0);
}

static hyl_status add_hyper(const hyl__settings *settings, hyl__startup *out, hyl_error *err)
{
    write_options(settings, &out->options);
    if (hyl_buf_status(&out->options) < 0) {
        return hyl__fail_nomem(err);
    }
    add(out, "options", (const char *)out->options.data);
    return HYL_OK;
}

/*
 * PostgreSQL takes settings as parameters of their own, and of two that are the same the last. Its
 * text shall be what its values are decoded from, and what those that come in binary are written
 * as.
 */
static hyl_status add_postgresql(const hyl__settings *settings, hyl__startup *out, hyl_error *err)
{
    if (settings->create != HYL__CREATE_OPEN) {
        return hyl__fail(err, HYL_ERR_UNSUPPORTED,
                         "create: PostgreSQL's databases are not made by connecting to them");
    }
    if (settings->database != NULL) {
        add(out, "database", settings->database);
    }
    add(out, "client_encoding", "UTF8");
    add(out, "DateStyle", "ISO");
    add(out, "IntervalStyle", "iso_8601");
    add(out, "TimeZone", "UTC");
    add(out, "extra_float_digits", "3");
    for (size_t i = 0; i < settings->session_setting_count; i++) {
        add(out, settings->session_settings[i].key, settings->session_settings[i].value);
    }
    return HYL_OK;
}

hyl_status hyl__startup_make(const hyl__settings *settings, hyl__startup *out, hyl_error *err)
{
    *out = (hyl__startup){NULL, 0, HYL_BUF_INIT};
    out->params =
        hyl__calloc(MOST_OWN_PARAMS + settings->session_setting_count, sizeof *out->params);
    if (out->params == NULL) {
        return hyl__fail_nomem(err);
    }
    add(out, "user", settings->user);
    add(out, "application_name", settings->application_name);
    return settings->dialect == HYL__DIALECT_POSTGRESQL ? add_postgresql(settings, out, err)
                                                        : add_hyper(settings, out, err);
}

void hyl__startup_reset(hyl__startup *startup)
{
    hyl__free(startup->params);
    hyl_buf_reset(&startup->options);
    *startup = (hyl__startup){NULL, 0, HYL_BUF_INIT};
}

/* ---- Whose protocol it is ------------------------------------------------------------------ */

bool hyl__dialect_refused(hyl__dialect asked, const hyl_error *error)
{
    return asked == HYL__DIALECT_AUTO && error->status == HYL_ERR_SERVER &&
           (strcmp(error->sqlstate, "42704") == 0 || strcmp(error->sqlstate, "3D000") == 0);
}

hyl_status hyl__dialect_settle(hyl__dialect asked, const hyl__parameters *reported,
                               hyl__dialect *dialect, bool *hyper_rows, hyl_error *err)
{
    const char *format = hyl__parameters_get(reported, "result_format_code");
    bool is_hyper = asked == HYL__DIALECT_HYPER || format != NULL ||
                    hyl__parameters_get(reported, "hyper_version") != NULL;
    if (asked == HYL__DIALECT_POSTGRESQL || !is_hyper) {
        *dialect = HYL__DIALECT_POSTGRESQL;
        *hyper_rows = false;
        return HYL_OK;
    }
    if (format == NULL || strcmp(format, "HyperBinary") != 0) {
        return hyl__fail(err, HYL_ERR_UNSUPPORTED,
                         "the server does not confirm that it sends rows as HyperBinary: its "
                         "result_format_code is %s",
                         format != NULL ? format : "not reported");
    }
    *dialect = HYL__DIALECT_HYPER;
    *hyper_rows = true;
    return HYL_OK;
}
