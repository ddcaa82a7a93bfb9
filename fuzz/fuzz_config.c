/*
 * Endpoints and connection strings. Input: the text. What is accepted is written and read back the
 * same, what is refused changes nothing, and a password is never shown.
 */
#include "fuzz.h"

#include <hyperline/config.h>

static void read_endpoint(const char *text)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_endpoint endpoint;
    hyl_endpoint again;
    hyl_buf written = HYL_BUF_INIT;
    hyl_buf rewritten = HYL_BUF_INIT;
    if (hyl_endpoint_parse(text, &endpoint, &err) != HYL_OK) {
        FUZZ_CHECK(err.message[0] != '\0');
        return;
    }
    hyl_endpoint_format(&endpoint, &written);
    hyl_buf_append_byte(&written, 0);
    FUZZ_CHECK(hyl_endpoint_parse((char *)written.data, &again, &err) == HYL_OK);
    FUZZ_CHECK(again.kind == endpoint.kind);
    hyl_endpoint_format(&again, &rewritten);
    hyl_buf_append_byte(&rewritten, 0);
    FUZZ_CHECK(fuzz_same(fuzz_buf_bytes(&written), fuzz_buf_bytes(&rewritten)));
    hyl_buf_reset(&written);
    hyl_buf_reset(&rewritten);
}

static hyl_buf describe(const hyl_config *config)
{
    hyl_buf text = HYL_BUF_INIT;
    hyl_config_describe(config, &text);
    FUZZ_CHECK(hyl_buf_status(&text) == HYL_OK);
    hyl_buf_append_byte(&text, 0);
    return text;
}

static bool contains(const hyl_buf *text, const char *part)
{
    return strstr((const char *)text->data, part) != NULL;
}

/* A description is a list that gives the same description, and holds no password. */
static void check_description(const hyl_config *config, const hyl_buf *shown)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *again = NULL;
    const char *password = hyl_config_get(config, "password");
    FUZZ_CHECK(password[0] == '\0' || contains(shown, "password=***"));
    FUZZ_CHECK(hyl_config_new(&again, NULL) == HYL_OK);
    hyl_status status = hyl_config_parse(again, (const char *)shown->data, &err);
    if (status != HYL_OK) {
        fprintf(stderr, "%s: %s\n", (const char *)shown->data, err.message);
    }
    FUZZ_CHECK(status == HYL_OK);
    hyl_buf reshown = describe(again);
    FUZZ_CHECK(fuzz_same(fuzz_buf_bytes(shown), fuzz_buf_bytes(&reshown)));
    hyl_buf_reset(&reshown);
    hyl_config_free(again);
}

static void read_config(const char *text)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *config = NULL;
    FUZZ_CHECK(hyl_config_new(&config, NULL) == HYL_OK);
    FUZZ_CHECK(hyl_config_set(config, "password", "open sesame", NULL) == HYL_OK);
    FUZZ_CHECK(hyl_config_set(config, "set.lc_time", "it's a \\ ", NULL) == HYL_OK);
    hyl_buf before = describe(config);
    FUZZ_CHECK(!contains(&before, "sesame"));
    hyl_status status = hyl_config_parse(config, text, &err);
    hyl_buf after = describe(config);
    if (status == HYL_OK) {
        check_description(config, &after);
    } else {
        FUZZ_CHECK(err.message[0] != '\0');
        FUZZ_CHECK(strstr(text, "sesame") != NULL || strstr(err.message, "sesame") == NULL);
        FUZZ_CHECK(fuzz_same(fuzz_buf_bytes(&before), fuzz_buf_bytes(&after)));
    }
    hyl_buf_reset(&before);
    hyl_buf_reset(&after);
    hyl_config_free(config);
}

/*
 * The input's halves around a word, as a password that is written as it must not be: whatever is
 * wrong with the text, the word is not told.
 */
static void hide_password(const char *front, const char *text, const char *back)
{
    size_t half = strlen(text) / 2;
    hyl_buf whole = HYL_BUF_INIT;
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *config = NULL;
    hyl_buf_append_str(&whole, front);
    hyl_buf_append(&whole, text, half);
    hyl_buf_append_str(&whole, "sesame");
    hyl_buf_append_str(&whole, text + half);
    hyl_buf_append(&whole, back, strlen(back) + 1);
    FUZZ_CHECK(hyl_buf_status(&whole) == HYL_OK);
    FUZZ_CHECK(hyl_config_new(&config, NULL) == HYL_OK);
    if (hyl_config_parse(config, (const char *)whole.data, &err) != HYL_OK) {
        FUZZ_CHECK(strstr(text, "sesame") != NULL || strstr(err.message, "sesame") == NULL);
    }
    hyl_config_free(config);
    hyl_buf_reset(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy_text((hyl_bytes){data, size});
    read_endpoint(text);
    read_config(text);
    hide_password("password=open ", text, "");
    hide_password("hyper://h:1/?password=open&", text, "");
    hide_password("hyper://ann:", text, "@h:1/");
    free(text);
    return 0;
}
