/* Which fields stand for NULL. */
#ifndef HYPERLINE_CLI_CSV_NULL_H
#define HYPERLINE_CLI_CSV_NULL_H

#include "csv_reader.h"

#include <string.h>

typedef struct csv_nulls {
    const char *const *texts;
    size_t count;
    bool also_quoted;     /* a quoted field may be NULL too */
    uint64_t length_bits; /* bit n: a text of n bytes; bit 63: of 63 and more */
} csv_nulls;

/* Lifetime: `texts` outlive the result. */
static inline csv_nulls csv_nulls_of(const char *const *texts, size_t count, bool also_quoted)
{
    csv_nulls nulls = {texts, count, also_quoted, 0};
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(texts[i]);
        nulls.length_bits |= UINT64_C(1) << (len < 63 ? len : 63);
    }
    return nulls;
}

static inline bool csv_matches_null(const csv_nulls *nulls, const csv_field *field)
{
    for (size_t i = 0; i < nulls->count; i++) {
        const char *text = nulls->texts[i];
        bool may_match = field->len == 0 || text[0] == field->data[0];
        if (may_match && strlen(text) == field->len && memcmp(text, field->data, field->len) == 0) {
            return true;
        }
    }
    return false;
}

/* The length alone tells most fields apart. */
static inline bool csv_is_null(const csv_nulls *nulls, const csv_field *field)
{
    if ((nulls->length_bits >> (field->len < 63 ? field->len : 63) & 1) == 0 ||
        (field->quoted && !nulls->also_quoted)) {
        return false;
    }
    return csv_matches_null(nulls, field);
}

#endif
