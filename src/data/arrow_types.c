#include "arrow_types.h"

#include <hyperline/arrow.h>

#include "value/hyperbinary.h"

#include <string.h>

enum { MAX_PRECISION = 38, TYPMOD_OFFSET = 4 };

/* What the field is in front of: a dictionary's values, or those of runs; NULL where it is neither. */
static const struct ArrowSchema *behind(const struct ArrowSchema *field)
{
    if (field->dictionary != NULL) {
        return field->dictionary;
    }
    return strcmp(field->format, "+r") == 0 && field->n_children == 2 ? field->children[1] : NULL;
}

const struct ArrowSchema *hyl__arrow_value_field(const struct ArrowSchema *field)
{
    for (const struct ArrowSchema *next = behind(field); next != NULL; next = behind(field)) {
        field = next;
    }
    return field;
}

/* ---- Whole numbers and decimals ------------------------------------------------------------ */

/* X(nanoarrow's name, decimal digits, the narrowest type that takes it) */
#define INTEGER_MAP(X)    \
    X(INT8, 3, SMALLINT)  \
    X(UINT8, 3, SMALLINT) \
    X(INT16, 5, SMALLINT) \
    X(UINT16, 5, INT)     \
    X(INT32, 10, INT)     \
    X(UINT32, 10, BIGINT) \
    X(INT64, 19, BIGINT)  \
    X(UINT64, 20, NUMERIC)

static int integer_digits(enum ArrowType type)
{
    switch (type) {
#define DIGITS_CASE(arrow, digits, home) \
    case NANOARROW_TYPE_##arrow:         \
        return digits;
        INTEGER_MAP(DIGITS_CASE)
#undef DIGITS_CASE
    default:
        return 0;
    }
}

static hyl_type_id integer_home(enum ArrowType type)
{
    switch (type) {
#define HOME_CASE(arrow, digits, home) \
    case NANOARROW_TYPE_##arrow:       \
        return HYL_TYPE_##home;
        INTEGER_MAP(HOME_CASE)
#undef HOME_CASE
    default:
        return HYL_TYPE_UNKNOWN;
    }
}

static bool integer_fits(enum ArrowType arrow, hyl_type type)
{
    const hyl_type_id home = integer_home(arrow);
    switch (type.id) {
    case HYL_TYPE_SMALLINT:
        return home == HYL_TYPE_SMALLINT;
    case HYL_TYPE_INT:
        return home == HYL_TYPE_SMALLINT || home == HYL_TYPE_INT;
    case HYL_TYPE_BIGINT:
        return home != HYL_TYPE_NUMERIC;
    case HYL_TYPE_OID:
        return arrow == NANOARROW_TYPE_UINT32;
    case HYL_TYPE_NUMERIC:
        return integer_digits(arrow) <= hyl_type_precision(type) - hyl_type_scale(type);
    case HYL_TYPE_REAL:
        return home == HYL_TYPE_SMALLINT;
    case HYL_TYPE_DOUBLE:
        return integer_digits(arrow) <= 10;
    default:
        return false;
    }
}

static bool decimal_fits(const struct ArrowSchemaView *view, hyl_type type)
{
    return type.id == HYL_TYPE_NUMERIC && view->decimal_scale <= hyl_type_scale(type) &&
           view->decimal_precision - view->decimal_scale <=
               hyl_type_precision(type) - hyl_type_scale(type);
}

/* ---- Fitting ------------------------------------------------------------------------------- */

static bool is_string(hyl_type_id id)
{
    return id == HYL_TYPE_TEXT || id == HYL_TYPE_VARCHAR || id == HYL_TYPE_CHAR ||
           id == HYL_TYPE_CHAR1 || id == HYL_TYPE_JSON;
}

/* The value of a key in the metadata of the field, or of what is behind it; empty where none is. */
static struct ArrowStringView metadata_value(const struct ArrowSchema *field, const char *key)
{
    struct ArrowStringView value = {NULL, 0};
    for (; field != NULL && value.data == NULL; field = behind(field)) {
        if (field->metadata != NULL) {
            (void)ArrowMetadataGetValue(field->metadata, ArrowCharView(key), &value);
        }
    }
    return value;
}

static bool is_kind(const struct ArrowSchema *field, const char *kind)
{
    struct ArrowStringView value = metadata_value(field, "hyper:type");
    return value.data != NULL && value.size_bytes == (int64_t)strlen(kind) &&
           memcmp(value.data, kind, strlen(kind)) == 0;
}

static bool bytes_fit(const struct ArrowSchema *field, const struct ArrowSchemaView *view,
                      hyl_type_id id)
{
    if (id == HYL_TYPE_GEOGRAPHY) {
        return is_kind(field, "Geography"); /* other bytes are not the server's encoding */
    }
    if (id == HYL_TYPE_UUID) {
        return view->storage_type == NANOARROW_TYPE_FIXED_SIZE_BINARY && view->fixed_size == 16;
    }
    return id == HYL_TYPE_BYTES;
}

static bool fits_whole(const struct ArrowSchema *field, const struct ArrowSchemaView *view,
                       hyl_type type)
{
    const hyl_type_id id = type.id;
    switch (view->type) {
    case NANOARROW_TYPE_NA:
        return true;
    case NANOARROW_TYPE_BOOL:
        return id == HYL_TYPE_BOOL;
    case NANOARROW_TYPE_HALF_FLOAT:
    case NANOARROW_TYPE_FLOAT:
        return id == HYL_TYPE_REAL || id == HYL_TYPE_DOUBLE;
    case NANOARROW_TYPE_DOUBLE:
        return id == HYL_TYPE_DOUBLE;
    case NANOARROW_TYPE_DECIMAL32:
    case NANOARROW_TYPE_DECIMAL64:
    case NANOARROW_TYPE_DECIMAL128:
    case NANOARROW_TYPE_DECIMAL256:
        return decimal_fits(view, type);
    case NANOARROW_TYPE_STRING:
    case NANOARROW_TYPE_LARGE_STRING:
    case NANOARROW_TYPE_STRING_VIEW:
        return is_string(id);
    case NANOARROW_TYPE_BINARY:
    case NANOARROW_TYPE_LARGE_BINARY:
    case NANOARROW_TYPE_BINARY_VIEW:
    case NANOARROW_TYPE_FIXED_SIZE_BINARY:
        return bytes_fit(field, view, id);
    case NANOARROW_TYPE_DATE32:
    case NANOARROW_TYPE_DATE64:
        return id == HYL_TYPE_DATE || id == HYL_TYPE_TIMESTAMP;
    case NANOARROW_TYPE_TIME32:
    case NANOARROW_TYPE_TIME64:
        return id == HYL_TYPE_TIME;
    case NANOARROW_TYPE_TIMESTAMP:
        return id == (view->timezone[0] != '\0' ? HYL_TYPE_TIMESTAMPTZ : HYL_TYPE_TIMESTAMP);
    case NANOARROW_TYPE_DURATION:
    case NANOARROW_TYPE_INTERVAL_MONTHS:
    case NANOARROW_TYPE_INTERVAL_DAY_TIME:
    case NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO:
        return id == HYL_TYPE_INTERVAL;
    default:
        return integer_digits(view->type) > 0 && integer_fits(view->type, type);
    }
}

static bool is_number(enum ArrowType type)
{
    switch (type) {
    case NANOARROW_TYPE_HALF_FLOAT:
    case NANOARROW_TYPE_FLOAT:
    case NANOARROW_TYPE_DOUBLE:
    case NANOARROW_TYPE_DECIMAL32:
    case NANOARROW_TYPE_DECIMAL64:
    case NANOARROW_TYPE_DECIMAL128:
    case NANOARROW_TYPE_DECIMAL256:
        return true;
    default:
        return integer_digits(type) > 0;
    }
}

static bool takes_numbers(hyl_type_id id)
{
    return id == HYL_TYPE_SMALLINT || id == HYL_TYPE_INT || id == HYL_TYPE_BIGINT ||
           id == HYL_TYPE_OID || id == HYL_TYPE_NUMERIC || id == HYL_TYPE_REAL ||
           id == HYL_TYPE_DOUBLE;
}

static bool fits_changed(const struct ArrowSchemaView *view, hyl_type type, unsigned lossy)
{
    if ((lossy & HYL_LOSSY_NUMBERS) != 0 && is_number(view->type) && takes_numbers(type.id)) {
        return true;
    }
    return (lossy & HYL_LOSSY_TIMES) != 0 && view->type == NANOARROW_TYPE_TIMESTAMP &&
           view->timezone[0] == '\0' && type.id == HYL_TYPE_DATE;
}

bool hyl__arrow_fits(const struct ArrowSchema *field, hyl_type type, unsigned lossy)
{
    struct ArrowSchemaView view;
    return ArrowSchemaViewInit(&view, hyl__arrow_value_field(field), NULL) == NANOARROW_OK &&
           (fits_whole(field, &view, type) || fits_changed(&view, type, lossy));
}

/* ---- Homes --------------------------------------------------------------------------------- */

static hyl_type of_length(hyl_type_id id, int length)
{
    hyl_type type = hyl_type_of(id);
    type.typmod = length + TYPMOD_OFFSET;
    return type;
}

/* A positive number in the metadata, 0 where there is none. */
static int max_length(const struct ArrowSchema *field)
{
    struct ArrowStringView value = metadata_value(field, "hyper:max_string_length");
    int length = 0;
    for (int64_t i = 0; i < value.size_bytes; i++) {
        if (value.data[i] < '0' || value.data[i] > '9' || length > 100000000) {
            return 0;
        }
        length = length * 10 + (value.data[i] - '0');
    }
    return length;
}

static hyl_type string_home(const struct ArrowSchema *field)
{
    const int length = max_length(field);
    if (is_kind(field, "JSON")) {
        return hyl_type_of(HYL_TYPE_JSON);
    }
    if (is_kind(field, "Char1")) {
        return hyl_type_of(HYL_TYPE_CHAR1);
    }
    if (length > 0) {
        return of_length(is_kind(field, "Char") ? HYL_TYPE_CHAR : HYL_TYPE_VARCHAR, length);
    }
    return hyl_type_of(HYL_TYPE_TEXT);
}

/* Arrow's scale may be negative, or beyond the precision. */
static hyl_type decimal_home(const struct ArrowSchemaView *view)
{
    const int scale = view->decimal_scale > 0 ? view->decimal_scale : 0;
    int precision = view->decimal_precision + (view->decimal_scale < 0 ? -view->decimal_scale : 0);
    precision = precision > scale ? precision : scale;
    return precision <= MAX_PRECISION ? hyl_type_numeric(precision, scale)
                                      : hyl_type_of(HYL_TYPE_UNKNOWN);
}

static hyl_type integer_type(const struct ArrowSchema *field, enum ArrowType type)
{
    const hyl_type_id id = integer_home(type);
    if (id == HYL_TYPE_NUMERIC) {
        return hyl_type_numeric(integer_digits(type), 0);
    }
    return hyl_type_of(type == NANOARROW_TYPE_UINT32 && is_kind(field, "Oid") ? HYL_TYPE_OID : id);
}

static hyl_type bytes_home(const struct ArrowSchema *field, const struct ArrowSchemaView *view)
{
    if (is_kind(field, "Geography")) {
        return hyl_type_of(HYL_TYPE_GEOGRAPHY);
    }
    return hyl_type_of(is_kind(field, "Uuid") && bytes_fit(field, view, HYL_TYPE_UUID)
                           ? HYL_TYPE_UUID
                           : HYL_TYPE_BYTES);
}

static hyl_type home(const struct ArrowSchema *field, const struct ArrowSchemaView *view,
                     bool has_real)
{
    switch (view->type) {
    case NANOARROW_TYPE_NA:
        return hyl_type_of(HYL_TYPE_TEXT);
    case NANOARROW_TYPE_BOOL:
        return hyl_type_of(HYL_TYPE_BOOL);
    case NANOARROW_TYPE_HALF_FLOAT:
    case NANOARROW_TYPE_FLOAT:
        return hyl_type_of(has_real ? HYL_TYPE_REAL : HYL_TYPE_DOUBLE);
    case NANOARROW_TYPE_DOUBLE:
        return hyl_type_of(HYL_TYPE_DOUBLE);
    case NANOARROW_TYPE_DECIMAL32:
    case NANOARROW_TYPE_DECIMAL64:
    case NANOARROW_TYPE_DECIMAL128:
    case NANOARROW_TYPE_DECIMAL256:
        return decimal_home(view);
    case NANOARROW_TYPE_STRING:
    case NANOARROW_TYPE_LARGE_STRING:
    case NANOARROW_TYPE_STRING_VIEW:
        return string_home(field);
    case NANOARROW_TYPE_BINARY:
    case NANOARROW_TYPE_LARGE_BINARY:
    case NANOARROW_TYPE_BINARY_VIEW:
    case NANOARROW_TYPE_FIXED_SIZE_BINARY:
        return bytes_home(field, view);
    case NANOARROW_TYPE_DATE32:
    case NANOARROW_TYPE_DATE64:
        return hyl_type_of(HYL_TYPE_DATE);
    case NANOARROW_TYPE_TIME32:
    case NANOARROW_TYPE_TIME64:
        return hyl_type_of(HYL_TYPE_TIME);
    case NANOARROW_TYPE_TIMESTAMP:
        return hyl_type_of(view->timezone[0] != '\0' ? HYL_TYPE_TIMESTAMPTZ : HYL_TYPE_TIMESTAMP);
    case NANOARROW_TYPE_DURATION:
    case NANOARROW_TYPE_INTERVAL_MONTHS:
    case NANOARROW_TYPE_INTERVAL_DAY_TIME:
    case NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO:
        return hyl_type_of(HYL_TYPE_INTERVAL);
    default:
        return integer_digits(view->type) > 0 ? integer_type(field, view->type)
                                              : hyl_type_of(HYL_TYPE_UNKNOWN);
    }
}

hyl_type hyl__arrow_home(const struct ArrowSchema *field, bool has_real)
{
    struct ArrowSchemaView view;
    return ArrowSchemaViewInit(&view, hyl__arrow_value_field(field), NULL) == NANOARROW_OK
               ? home(field, &view, has_real)
               : hyl_type_of(HYL_TYPE_UNKNOWN);
}

/* ---- What the server sends ------------------------------------------------------------------- */

/* The server has one format for each of its types. */
static bool is_the_servers(const struct ArrowSchemaView *view, hyl_type_id id)
{
    switch (view->type) {
    case NANOARROW_TYPE_BOOL:
    case NANOARROW_TYPE_INT16:
    case NANOARROW_TYPE_INT32:
    case NANOARROW_TYPE_INT64:
    case NANOARROW_TYPE_FLOAT:
    case NANOARROW_TYPE_DOUBLE:
    case NANOARROW_TYPE_DECIMAL128:
    case NANOARROW_TYPE_STRING:
    case NANOARROW_TYPE_BINARY:
    case NANOARROW_TYPE_DATE64:
    case NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO:
        return true;
    case NANOARROW_TYPE_UINT32:
        return id == HYL_TYPE_OID;
    case NANOARROW_TYPE_TIME64:
    case NANOARROW_TYPE_TIMESTAMP:
        return view->time_unit == NANOARROW_TIME_UNIT_MICRO;
    default:
        return false;
    }
}

hyl_type hyl__arrow_type_of(const struct ArrowSchema *field)
{
    struct ArrowSchemaView view;
    if (ArrowSchemaViewInit(&view, field, NULL) != NANOARROW_OK) {
        return hyl_type_of(HYL_TYPE_UNKNOWN);
    }
    if (view.type == NANOARROW_TYPE_LIST) {
        return hyl__type_array_of(hyl__arrow_type_of(field->children[0]));
    }
    hyl_type type = hyl__arrow_home(field, true);
    return is_the_servers(&view, type.id) ? type : hyl_type_of(HYL_TYPE_UNKNOWN);
}
