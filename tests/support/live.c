#include "support/live.h"

#include "support/hyperd.h"
#include "support/test.h"

#include <stdlib.h>

static hyl_config *config_for(const hyl_endpoint *endpoint, const char *settings)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *config = NULL;
    hyl_buf text = HYL_BUF_INIT;
    assert_ok(hyl_config_new(&config, &err), &err);
    assert_ok(hyl_server_configure(test_hyperd(), config, &err), &err);
    hyl_endpoint_format(endpoint, &text);
    hyl_buf_append_byte(&text, 0);
    assert_ok(hyl_config_set(config, "endpoint", (char *)text.data, &err), &err);
    hyl_buf_reset(&text);
    if (settings != NULL) {
        assert_ok(hyl_config_parse(config, settings, &err), &err);
    }
    return config;
}

static hyl_conn *connect_to(const hyl_endpoint *endpoint, const char *settings)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_conn *conn = NULL;
    hyl_config *config = config_for(endpoint, settings);
    assert_ok(hyl_connect(config, &conn, &err), &err);
    hyl_config_free(config);
    return conn;
}

hyl_config *live_config(const char *settings)
{
    return config_for(test_hyperd_endpoint(), settings);
}

hyl_conn *live_connect(const char *settings)
{
    return connect_to(test_hyperd_endpoint(), settings);
}

hyl_conn *live_connect_unix(const char *settings)
{
    return connect_to(test_hyperd_socket(), settings);
}

hyl_conn *live_open(const char *file, const char *settings)
{
    char all[700];
    snprintf(all, sizeof all, "database='%s' %s", test_path(file),
             settings != NULL ? settings : "");
    return live_connect(all);
}

hyl_status live_connect_fails(const char *settings, hyl_error *err)
{
    hyl_conn *conn = NULL;
    hyl_config *config = live_config(settings);
    *err = (hyl_error)HYL_ERROR_INIT;
    hyl_status status = hyl_connect(config, &conn, err);
    hyl_config_free(config);
    assert_true(status < 0);
    assert_null(conn);
    return status;
}

int64_t live_exec(hyl_conn *conn, const char *sql)
{
    hyl_error err = HYL_ERROR_INIT;
    int64_t affected = 0;
    assert_ok(hyl_exec(conn, sql, &affected, &err), &err);
    return affected;
}

int64_t live_i64(hyl_conn *conn, const char *sql)
{
    hyl_error err = HYL_ERROR_INIT;
    int64_t value = 0;
    assert_ok(hyl_query_i64(conn, sql, &value, &err), &err);
    return value;
}

const char *live_text(hyl_conn *conn, const char *sql)
{
    static char texts[4][1000];
    static unsigned turn;
    hyl_error err = HYL_ERROR_INIT;
    char *text = NULL;
    char *out = texts[turn++ % 4];
    assert_ok(hyl_query_text(conn, sql, &text, &err), &err);
    snprintf(out, sizeof texts[0], "%s", text);
    hyl_free(text);
    return out;
}

void live_assert_in_step(hyl_conn *conn)
{
    static int64_t number = 1000;
    char sql[40];
    assert_int_equal(hyl_conn_health(conn), HYL_HEALTH_OK);
    snprintf(sql, sizeof sql, "SELECT %lld", (long long)++number);
    assert_true(live_i64(conn, sql) == number);
}

long live_peak_kb(void)
{
    char line[200];
    long peak = -1;
    FILE *file = fopen("/proc/self/status", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            peak = strtol(line + 6, NULL, 10);
        }
    }
    fclose(file);
    assert_true(peak > 0);
    return peak;
}
