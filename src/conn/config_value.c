/* The values of the config: durations, sizes, words. */
#include "config_parts.h"

#include "base/error.h"
#include "base/utf8.h"

#include <string.h>

enum {
    SMALLEST_MAX_MESSAGE = 1024,
    SMALLEST_MAX_UNREAD = 65536,
    LARGEST_MAX_MESSAGE = INT32_MAX, /* the protocol's length word is signed */
    LARGEST_DATABASE_VERSION = 255,  /* one byte of the file's head */
};

typedef struct unit {
    const char *name;
    uint64_t factor;
} unit;

static const unit duration_units[] = {
    {"", 1000},
    {"ms", 1},
    {"s", 1000},
    {"min", 60 * 1000},
};

static const unit size_units[] = {
    {"", 1},
    {"B", 1},
    {"kB", UINT64_C(1) << 10},
    {"MB", UINT64_C(1) << 20},
    {"GB", UINT64_C(1) << 30},
};

static const char *const create_modes[] = {
    [HYL__CREATE_OPEN] = "open",
    [HYL__CREATE_CREATE] = "create",
    [HYL__CREATE_IF_MISSING] = "create_if_missing",
    [HYL__CREATE_REPLACE] = "replace",
};

static const char *const dialects[] = {
    [HYL__DIALECT_AUTO] = "auto",
    [HYL__DIALECT_HYPER] = "hyper",
    [HYL__DIALECT_POSTGRESQL] = "postgresql",
};

static const char *const tls_modes[] = {
    [HYL__TLS_AUTO] = "auto",           [HYL__TLS_DISABLE] = "disable",
    [HYL__TLS_PREFER] = "prefer",       [HYL__TLS_REQUIRE] = "require",
    [HYL__TLS_VERIFY_CA] = "verify-ca", [HYL__TLS_VERIFY_FULL] = "verify-full",
};

static const char *const tls_versions[] = {[HYL_TLS_1_2] = "1.2", [HYL_TLS_1_3] = "1.3"};

static const char *const channel_bindings[] = {
    [HYL__BINDING_DISABLE] = "disable",
    [HYL__BINDING_PREFER] = "prefer",
    [HYL__BINDING_REQUIRE] = "require",
};

typedef struct auth_method {
    const char *name;
    unsigned bit;
} auth_method;

static const auth_method auth_methods[] = {
#define AUTH_METHOD(name, bit, text) {text, bit},
    HYL__AUTH_METHOD_MAP(AUTH_METHOD)
#undef AUTH_METHOD
};

static const char *const no_yes[] = {"no", "yes"};

static const char *const tls_negotiations[] = {"postgres", "direct"};

static const char *const transfers[] = {
    [HYL_TRANSFER_DEFAULT] = "",
    [HYL_TRANSFER_AUTO] = "auto",
    [HYL_TRANSFER_ROWS] = "rows",
    [HYL_TRANSFER_ARROW] = "arrow",
};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* Reads decimal digits, at least one; *end gets what follows them. */
static bool read_digits(const char *text, uint64_t *number, const char **end)
{
    uint64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value)) {
            return false;
        }
    }
    *number = value;
    *end = at;
    return at != text;
}

static bool read_amount(const char *text, const unit *units, size_t unit_count, uint64_t *amount)
{
    uint64_t number = 0;
    const char *name = NULL;
    if (!read_digits(text, &number, &name)) {
        return false;
    }
    for (size_t i = 0; i < unit_count; i++) {
        if (strcmp(units[i].name, name) == 0) {
            return !__builtin_mul_overflow(number, units[i].factor, amount);
        }
    }
    return false;
}

bool hyl__parse_duration(const char *text, int64_t *ms)
{
    if (strcmp(text, "none") == 0) {
        *ms = -1;
        return true;
    }
    uint64_t amount = 0;
    /* A quarter of the range: deadlines are sums of a clock and of durations. */
    if (!read_amount(text, duration_units, COUNT_OF(duration_units), &amount) ||
        amount > INT64_MAX / 4) {
        return false;
    }
    *ms = (int64_t)amount;
    return true;
}

bool hyl__parse_size(const char *text, uint64_t *bytes)
{
    return read_amount(text, size_units, COUNT_OF(size_units), bytes);
}

/* Finds one of `words`. */
static bool read_word(const char *text, const char *const *words, size_t count, size_t *index)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], text) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

bool hyl__parse_create_mode(const char *text, hyl__create_mode *mode)
{
    size_t index = 0;
    bool known = read_word(text, create_modes, COUNT_OF(create_modes), &index);
    *mode = (hyl__create_mode)index;
    return known;
}

bool hyl__parse_dialect(const char *text, hyl__dialect *dialect)
{
    size_t index = 0;
    bool known = read_word(text, dialects, COUNT_OF(dialects), &index);
    *dialect = (hyl__dialect)index;
    return known;
}

bool hyl__parse_tls_mode(const char *text, hyl__tls_mode *mode)
{
    size_t index = 0;
    bool known = read_word(text, tls_modes, COUNT_OF(tls_modes), &index);
    *mode = (hyl__tls_mode)index;
    return known;
}

bool hyl__parse_tls_version(const char *text, hyl_tls_version *version)
{
    size_t index = 0;
    bool known = read_word(text, tls_versions, COUNT_OF(tls_versions), &index);
    *version = (hyl_tls_version)index;
    return known;
}

bool hyl__parse_tls_negotiation(const char *text, bool *direct)
{
    size_t index = 0;
    bool known = read_word(text, tls_negotiations, COUNT_OF(tls_negotiations), &index);
    *direct = index == 1;
    return known;
}

bool hyl__parse_channel_binding(const char *text, hyl__channel_binding *binding)
{
    size_t index = 0;
    bool known = read_word(text, channel_bindings, COUNT_OF(channel_bindings), &index);
    *binding = (hyl__channel_binding)index;
    return known;
}

bool hyl__parse_yes_no(const char *text, bool *yes)
{
    size_t index = 0;
    bool known = read_word(text, no_yes, COUNT_OF(no_yes), &index);
    *yes = index == 1;
    return known;
}

static unsigned auth_method_bit(hyl_str name)
{
    for (size_t i = 0; i < COUNT_OF(auth_methods); i++) {
        const auth_method *method = &auth_methods[i];
        if (strlen(method->name) == name.len && memcmp(method->name, name.data, name.len) == 0) {
            return method->bit;
        }
    }
    return 0;
}

/* All of the list have a ! or none has, and each method stands there once. */
bool hyl__parse_require_auth(const char *text, unsigned *allowed)
{
    bool negated = text[0] == '!';
    unsigned named = 0;
    *allowed = 0;
    while (*text != '\0') {
        if ((*text == '!') != negated) {
            return false;
        }
        text += negated;
        size_t len = strcspn(text, ",");
        unsigned bit = auth_method_bit((hyl_str){text, len});
        bool another = text[len] == ',';
        if (bit == 0 || (named & bit) != 0 || (another && text[len + 1] == '\0')) {
            return false;
        }
        named |= bit;
        text += len + another;
    }
    *allowed = negated ? HYL__AUTH_ANY & ~named : named;
    /* Everything ruled out must not come to be "any". */
    return !negated || *allowed != 0;
}

bool hyl__parse_transfer(const char *text, hyl_transfer *transfer)
{
    size_t index = HYL_TRANSFER_DEFAULT;
    bool known = read_word(text, transfers, COUNT_OF(transfers), &index);
    *transfer = (hyl_transfer)index;
    return known && index != HYL_TRANSFER_DEFAULT;
}

bool hyl__parse_database_version(const char *text, int *version)
{
    if (text[0] == '\0') {
        *version = 0;
        return true;
    }
    uint64_t number = 0;
    const char *end = NULL;
    if (!read_digits(text, &number, &end) || *end != '\0' || number == 0 ||
        number > LARGEST_DATABASE_VERSION) {
        return false;
    }
    *version = (int)number;
    return true;
}

static hyl_status refuse(hyl__config_key key, const char *value, const char *wanted, hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_ARG, "%s: '%.100s' is not %s", hyl__config_key_name(key), value,
                     wanted);
}

static hyl_status check_endpoint(hyl__config_key key, const char *value, hyl_error *err)
{
    if (value[0] == '\0') {
        return HYL_OK;
    }
    /* Before anything quotes the text: what stands in front of an @ may be a password. */
    if (strchr(value, '@') != NULL || strstr(value, "%40") != NULL) {
        return hyl__fail(err, HYL_ERR_ARG,
                         "%s: an endpoint has no user and no password; write "
                         "hyper://user@host:port, or set the key user",
                         hyl__config_key_name(key));
    }
    hyl_endpoint endpoint;
    hyl_status status = hyl_endpoint_parse(value, &endpoint, err);
    if (status < 0) {
        hyl__error_prefix(err, "%s", hyl__config_key_name(key));
    }
    return status;
}

static hyl_status check_create(hyl__config_key key, const char *value, hyl_error *err)
{
    hyl__create_mode mode;
    return hyl__parse_create_mode(value, &mode)
               ? HYL_OK
               : refuse(key, value, "open, create, create_if_missing or replace", err);
}

static hyl_status check_dialect(hyl__config_key key, const char *value, hyl_error *err)
{
    hyl__dialect dialect;
    return hyl__parse_dialect(value, &dialect)
               ? HYL_OK
               : refuse(key, value, "auto, hyper or postgresql", err);
}

static hyl_status check_tls_mode(hyl__config_key key, const char *value, hyl_error *err)
{
    hyl__tls_mode mode;
    return hyl__parse_tls_mode(value, &mode)
               ? HYL_OK
               : refuse(key, value, "auto, disable, prefer, require, verify-ca or verify-full",
                        err);
}

static hyl_status check_tls_version(hyl__config_key key, const char *value, hyl_error *err)
{
    hyl_tls_version version;
    return hyl__parse_tls_version(value, &version) ? HYL_OK : refuse(key, value, "1.2 or 1.3", err);
}

static hyl_status check_tls_negotiation(hyl__config_key key, const char *value, hyl_error *err)
{
    bool direct = false;
    return hyl__parse_tls_negotiation(value, &direct)
               ? HYL_OK
               : refuse(key, value, "postgres or direct", err);
}

static hyl_status check_channel_binding(hyl__config_key key, const char *value, hyl_error *err)
{
    hyl__channel_binding binding;
    return hyl__parse_channel_binding(value, &binding)
               ? HYL_OK
               : refuse(key, value, "disable, prefer or require", err);
}

static hyl_status check_require_auth(hyl__config_key key, const char *value, hyl_error *err)
{
    unsigned allowed = 0;
    return hyl__parse_require_auth(value, &allowed)
               ? HYL_OK
               : refuse(key, value,
                        "a list such as scram-sha-256,md5 or !password,!none of none, password, "
                        "md5, scram-sha-256, gss, sspi, creds",
                        err);
}

static hyl_status check_yes_no(hyl__config_key key, const char *value, hyl_error *err)
{
    bool yes = false;
    return hyl__parse_yes_no(value, &yes) ? HYL_OK : refuse(key, value, "yes or no", err);
}

static hyl_status check_transfer(hyl__config_key key, const char *value, hyl_error *err)
{
    hyl_transfer transfer;
    return hyl__parse_transfer(value, &transfer) ? HYL_OK
                                                 : refuse(key, value, "auto, rows or arrow", err);
}

static hyl_status check_database_version(hyl__config_key key, const char *value, hyl_error *err)
{
    int version = 0;
    return hyl__parse_database_version(value, &version)
               ? HYL_OK
               : refuse(key, value, "a file version (a whole number from 1)", err);
}

static hyl_status check_duration(hyl__config_key key, const char *value, hyl_error *err)
{
    int64_t ms = 0;
    return hyl__parse_duration(value, &ms)
               ? HYL_OK
               : refuse(key, value, "a duration such as 500ms, 5s, 2min or none", err);
}

/* A deadline that has passed before it begins is never meant. */
static hyl_status check_deadline(hyl__config_key key, const char *value, hyl_error *err)
{
    int64_t ms = 0;
    HYL_TRY(check_duration(key, value, err));
    return hyl__parse_duration(value, &ms) && ms != 0
               ? HYL_OK
               : refuse(key, value, "a deadline that can be kept; write none for no deadline", err);
}

static hyl_status check_size(hyl__config_key key, const char *value, hyl_error *err)
{
    uint64_t bytes = 0;
    return hyl__parse_size(value, &bytes)
               ? HYL_OK
               : refuse(key, value, "a size in bytes, or with kB, MB or GB", err);
}

static hyl_status check_max_message(hyl__config_key key, const char *value, hyl_error *err)
{
    uint64_t bytes = 0;
    HYL_TRY(check_size(key, value, err));
    return hyl__parse_size(value, &bytes) && bytes >= SMALLEST_MAX_MESSAGE &&
                   bytes <= LARGEST_MAX_MESSAGE
               ? HYL_OK
               : refuse(key, value, "a size from 1kB to 2147483647 bytes", err);
}

static hyl_status check_max_unread(hyl__config_key key, const char *value, hyl_error *err)
{
    uint64_t bytes = 0;
    HYL_TRY(check_size(key, value, err));
    return hyl__parse_size(value, &bytes) && bytes >= SMALLEST_MAX_UNREAD
               ? HYL_OK
               : refuse(key, value, "a size of 64kB or more", err);
}

typedef hyl_status (*check_fn)(hyl__config_key key, const char *value, hyl_error *err);

/* A key that is not here takes any text. */
static const check_fn checks[HYL__KEY_COUNT] = {
    [HYL__KEY_endpoint] = check_endpoint,
    [HYL__KEY_create] = check_create,
    [HYL__KEY_database_version] = check_database_version,
    [HYL__KEY_dialect] = check_dialect,
    [HYL__KEY_tls] = check_tls_mode,
    [HYL__KEY_tls_min_version] = check_tls_version,
    [HYL__KEY_tls_negotiation] = check_tls_negotiation,
    [HYL__KEY_channel_binding] = check_channel_binding,
    [HYL__KEY_require_auth] = check_require_auth,
    [HYL__KEY_allow_cleartext] = check_yes_no,
    [HYL__KEY_connect_timeout] = check_deadline,
    [HYL__KEY_request_timeout] = check_deadline,
    [HYL__KEY_idle_timeout] = check_deadline,
    [HYL__KEY_busy_timeout] = check_duration,
    [HYL__KEY_drain_timeout] = check_duration,
    [HYL__KEY_drain_limit] = check_size,
    [HYL__KEY_max_message] = check_max_message,
    [HYL__KEY_transfer] = check_transfer,
    [HYL__KEY_max_unread] = check_max_unread,
};

hyl_status hyl__config_check(hyl__config_key key, const char *value, hyl_error *err)
{
    if (!hyl__utf8_valid(value, strlen(value))) {
        return hyl__fail(err, HYL_ERR_ARG, "%s: the value is not valid UTF-8",
                         hyl__config_key_name(key));
    }
    return checks[key] != NULL ? checks[key](key, value, err) : HYL_OK;
}
