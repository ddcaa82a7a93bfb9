/* The config's keys: names, defaults, and what to say about a name that is none. */
#include "config_parts.h"

#include "base/error.h"

#include <string.h>

enum { LONGEST_NAME = 40, NEAR = 2 };

typedef struct key_entry {
    const char *name;
    const char *value; /* the default */
} key_entry;

static const key_entry keys[HYL__KEY_COUNT] = {
#define KEY_ENTRY(key, value, help) [HYL__KEY_##key] = {#key, value},
    HYL_CONFIG_MAP(KEY_ENTRY)
#undef KEY_ENTRY
};

/* What other clients call the same things. */
static const char *const synonyms[][2] = {
    {"host", "endpoint"},
    {"hostaddr", "endpoint"},
    {"port", "endpoint"},
    {"server", "endpoint"},
    {"dbname", "database"},
    {"db", "database"},
    {"file", "database"},
    {"username", "user"},
    {"pwd", "password"},
    {"passwd", "password"},
    {"timeout", "request_timeout"},
    {"statement_timeout", "request_timeout"},
    {"create_mode", "create"},
    {"version", "database_version"},
    {"name", "application_name"},
    {"ssl", "tls"},
    {"sslmode", "tls"},
    {"sslrootcert", "tls_ca"},
    {"sslcert", "tls_cert"},
    {"sslkey", "tls_key"},
    {"sslpassword", "tls_key_passphrase"},
    {"ssl_min_protocol_version", "tls_min_version"},
    {"sslsni", "tls_server_name"},
    {"sslnegotiation", "tls_negotiation"},
};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static bool equal(hyl_str text, const char *other)
{
    return text.len == strlen(other) && memcmp(text.data, other, text.len) == 0;
}

hyl__config_key hyl__config_key_find(hyl_str name)
{
    for (size_t i = 0; i < HYL__KEY_COUNT; i++) {
        if (equal(name, keys[i].name)) {
            return (hyl__config_key)i;
        }
    }
    return HYL__KEY_NONE;
}

const char *hyl__config_key_name(hyl__config_key key)
{
    return keys[key].name;
}

const char *hyl__config_key_default(hyl__config_key key)
{
    return keys[key].value;
}

bool hyl__config_key_is_secret(hyl__config_key key)
{
    return key == HYL__KEY_password || key == HYL__KEY_tls_key_passphrase;
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The edits (insert, delete, replace one character) that lead from one name to the other, capitals
 * and all. `name` has at most LONGEST_NAME characters. */
static size_t edit_distance(hyl_str name, const char *key)
{
    size_t row[LONGEST_NAME + 1];
    for (size_t i = 0; i <= name.len; i++) {
        row[i] = i;
    }
    for (size_t k = 0; key[k] != '\0'; k++) {
        size_t diagonal = row[0];
        row[0] = k + 1;
        for (size_t i = 0; i < name.len; i++) {
            size_t above = row[i + 1];
            size_t replaced = diagonal + (lower(name.data[i]) != key[k]);
            row[i + 1] = min3(row[i] + 1, above + 1, replaced);
            diagonal = above;
        }
    }
    return row[name.len];
}

const char *hyl__config_key_suggest(hyl_str name)
{
    if (name.len > LONGEST_NAME) {
        return NULL;
    }
    for (size_t i = 0; i < COUNT_OF(synonyms); i++) {
        if (equal(name, synonyms[i][0])) {
            return synonyms[i][1];
        }
    }
    const char *best = NULL;
    size_t best_distance = NEAR + 1;
    for (size_t i = 0; i < HYL__KEY_COUNT; i++) {
        size_t distance = edit_distance(name, keys[i].name);
        if (distance < best_distance && distance < name.len) {
            best = keys[i].name;
            best_distance = distance;
        }
    }
    return best;
}

/* A word that could be a key's name, and not the rest of a password in the wrong place. */
static bool looks_like_a_key(hyl_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = lower(name.data[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("_.-", c) != NULL)) {
            return false;
        }
    }
    return name.len > 0 && name.len <= LONGEST_NAME;
}

hyl_status hyl__config_key_unknown(hyl_str name, hyl_error *err)
{
    if (name.len == 0) {
        return hyl__fail(err, HYL_ERR_ARG, "a key is missing in front of its value");
    }
    if (!looks_like_a_key(name)) {
        return hyl__fail(err, HYL_ERR_ARG,
                         "what stands in the place of a key is none; put quotes around a value "
                         "with spaces");
    }
    const char *suggestion = hyl__config_key_suggest(name);
    return hyl__fail(err, HYL_ERR_ARG, "unknown key '%.*s'%s%s%s", (int)name.len, name.data,
                     suggestion != NULL ? "; did you mean '" : "",
                     suggestion != NULL ? suggestion : "", suggestion != NULL ? "'?" : "");
}

hyl_status hyl__config_fail_behind(hyl__config_key secret, const char *separator, hyl_error *err)
{
    const char *name = keys[secret].name;
    return hyl__fail(err, HYL_ERR_ARG,
                     "what stands behind the value of %s is not understood, and not shown, as it "
                     "may be the rest of that value: %s, or write %s last",
                     name, separator, name);
}
