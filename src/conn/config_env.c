/* The environment's HYPERLINE_* variables. An empty one says nothing, as an unset one. */
#include "config_parts.h"

#include "base/error.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static const char prefix[] = "HYPERLINE_";
enum { PREFIX_LEN = sizeof prefix - 1, LONGEST_KEY = 40 };

/* Variables, and starts of names, that are for other parts of hyperline. */
static const char *const not_ours[] = {"TEST_", "BENCH_"};

/* Does the variable say something about a key? `name` is NAME=VALUE without the prefix. */
static bool counts(const char *name)
{
    for (size_t i = 0; i < sizeof not_ours / sizeof not_ours[0]; i++) {
        if (strncmp(name, not_ours[i], strlen(not_ours[i])) == 0) {
            return false;
        }
    }
    const char *value = strchr(name, '=');
    return value != NULL && value[1] != '\0' && strncmp(name, "URI=", 4) != 0;
}

static hyl_status load_uri(hyl_config *config, hyl_error *err)
{
    const char *uri = getenv("HYPERLINE_URI");
    if (uri == NULL || uri[0] == '\0') {
        return HYL_OK;
    }
    hyl_status status = hyl__config_parse_text(config, uri, err);
    if (status < 0) {
        hyl__error_prefix(err, "HYPERLINE_URI");
    }
    return status;
}

/* `name` is the variable without its prefix, =, and its value. */
static hyl_status load_variable(hyl_config *config, const char *name, hyl_error *err)
{
    size_t len = strcspn(name, "=");
    char key[LONGEST_KEY + 1] = "";
    bool is_upper = len <= LONGEST_KEY;
    for (size_t i = 0; i < len && is_upper; i++) {
        is_upper = !islower((unsigned char)name[i]);
        key[i] = (char)tolower((unsigned char)name[i]);
    }
    hyl_str known = {key, is_upper ? len : 0};
    hyl_status status = HYL_OK;
    if (hyl__config_key_find(known) != HYL__KEY_NONE) {
        status = hyl__config_set_str(config, known, hyl_str_of(name + len + 1), err);
    } else {
        const char *near = hyl__config_key_suggest(known);
        status = hyl__fail(err, HYL_ERR_ARG, "the variable stands for no key%s%s%s",
                           near != NULL ? "; did you mean that of '" : "", near != NULL ? near : "",
                           near != NULL ? "'?" : "");
    }
    if (status < 0) {
        hyl__error_prefix(err, "%s%.*s", prefix, len < 100 ? (int)len : 100, name);
    }
    return status;
}

static hyl_status load_env(hyl_config *config, hyl_error *err)
{
    HYL_TRY(load_uri(config, err));
    for (char **variable = environ; variable != NULL && *variable != NULL; variable++) {
        const char *name = *variable + PREFIX_LEN;
        if (strncmp(*variable, prefix, PREFIX_LEN) == 0 && counts(name)) {
            HYL_TRY(load_variable(config, name, err));
        }
    }
    return HYL_OK;
}

hyl_status hyl_config_load_env(hyl_config *config, hyl_error *err)
{
    hyl_config *copy = NULL;
    HYL_TRY(hyl__config_copy(config, &copy, err));
    hyl_status status = load_env(copy, err);
    if (status < 0) {
        hyl_config_free(copy);
        return status;
    }
    hyl__config_move(config, copy);
    return HYL_OK;
}
