/*
 * The messages of the PostgreSQL protocol, version 3, as Hyper speaks it: encoders that append to a
 * buffer, and decoders that view received bytes. Nothing here does I/O or keeps a connection's
 * state.
 *
 * Source of the formats: PostgreSQL documentation, chapter "Frontend/Backend Protocol", section
 * "Message Formats".
 */
#ifndef HYPERLINE_WIRE_H
#define HYPERLINE_WIRE_H

#include <hyperline/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Encoders ------------------------------------------------------------------------------ */

/*
 * Every encoder appends one whole message, or leaves the buffer as it was and says why. A name,
 * portal or reason that is NULL is the empty string.
 * Errors, of all of them: ARG (a NUL inside a string, more than 65,535 entries, a message over 2^31
 * - 1 bytes), NOMEM.
 */

/* A key and its value, both NUL-terminated. */
typedef struct hyl_pair {
    const char *key;
    const char *value;
} hyl_pair;

/*
 * One value of a Bind message: `data` NULL is SQL NULL (an empty value has a non-NULL pointer and
 * length 0).
 */
typedef hyl_bytes hyl_param_bytes;

/* What a Bind message carries. Zero formats mean text for all, one means the same for all. */
typedef struct hyl_bind {
    const char *portal;
    const char *statement;
    const int16_t *param_formats;
    size_t param_format_count;
    const hyl_param_bytes *params;
    size_t param_count;
    const int16_t *result_formats;
    size_t result_format_count;
} hyl_bind;

HYL_API HYL_NODISCARD hyl_status hyl_enc_startup(hyl_buf *out, const hyl_pair *params, size_t count,
                                                 hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_enc_ssl_request(hyl_buf *out, hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_enc_cancel_request(hyl_buf *out, int32_t process_id,
                                                        int32_t secret_key, hyl_error *err);
/* PasswordMessage: cleartext, or the MD5 digest as text. */
HYL_API HYL_NODISCARD hyl_status hyl_enc_password(hyl_buf *out, const char *password,
                                                  hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_enc_sasl_initial(hyl_buf *out, const char *mechanism,
                                                      hyl_bytes response, hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_enc_sasl_response(hyl_buf *out, hyl_bytes response,
                                                       hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_enc_query(hyl_buf *out, hyl_str sql, hyl_error *err);
/*
 * `param_oids`: one for each parameter that the statement uses (Hyper takes their number from
 * here); 0 means "infer".
 */
HYL_API HYL_NODISCARD hyl_status hyl_enc_parse(hyl_buf *out, const char *name, hyl_str sql,
                                               const uint32_t *param_oids, size_t count,
                                               hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_enc_bind(hyl_buf *out, const hyl_bind *bind, hyl_error *err);
/* `kind`: 'S' a statement, 'P' a portal. */
HYL_API HYL_NODISCARD hyl_status hyl_enc_describe(hyl_buf *out, char kind, const char *name,
                                                  hyl_error *err);
/* `max_rows`: 0 means all. */
HYL_API HYL_NODISCARD hyl_status hyl_enc_execute(hyl_buf *out, const char *portal, int32_t max_rows,
                                                 hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_enc_close(hyl_buf *out, char kind, const char *name,
                                               hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_enc_sync(hyl_buf *out, hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_enc_flush(hyl_buf *out, hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_enc_copy_data(hyl_buf *out, hyl_bytes data, hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_enc_copy_done(hyl_buf *out, hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_enc_copy_fail(hyl_buf *out, const char *reason,
                                                   hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_enc_terminate(hyl_buf *out, hyl_error *err);

/* ---- Framing ------------------------------------------------------------------------------- */

/* The default limit of one message's body: 1 GiB. */
#define HYL_MAX_MESSAGE UINT32_C(1073741824)

enum { HYL_MESSAGE_HEADER_SIZE = 5 };

/*
 * X(NAME, byte, "name"): the messages that a server sends, named as PostgreSQL's documentation has
 * them.
 */
#define HYL_BACKEND_MESSAGE_MAP(X)                        \
    X(AUTHENTICATION, 'R', "Authentication")              \
    X(BACKEND_KEY_DATA, 'K', "BackendKeyData")            \
    X(BIND_COMPLETE, '2', "BindComplete")                 \
    X(CLOSE_COMPLETE, '3', "CloseComplete")               \
    X(COMMAND_COMPLETE, 'C', "CommandComplete")           \
    X(COPY_DATA, 'd', "CopyData")                         \
    X(COPY_DONE, 'c', "CopyDone")                         \
    X(COPY_IN_RESPONSE, 'G', "CopyInResponse")            \
    X(COPY_OUT_RESPONSE, 'H', "CopyOutResponse")          \
    X(DATA_ROW, 'D', "DataRow")                           \
    X(EMPTY_QUERY_RESPONSE, 'I', "EmptyQueryResponse")    \
    X(ERROR_RESPONSE, 'E', "ErrorResponse")               \
    X(NO_DATA, 'n', "NoData")                             \
    X(NOTICE_RESPONSE, 'N', "NoticeResponse")             \
    X(NOTIFICATION_RESPONSE, 'A', "NotificationResponse") \
    X(PARAMETER_DESCRIPTION, 't', "ParameterDescription") \
    X(PARAMETER_STATUS, 'S', "ParameterStatus")           \
    X(PARSE_COMPLETE, '1', "ParseComplete")               \
    X(PORTAL_SUSPENDED, 's', "PortalSuspended")           \
    X(READY_FOR_QUERY, 'Z', "ReadyForQuery")              \
    X(ROW_DESCRIPTION, 'T', "RowDescription")

typedef enum hyl_msg_type {
    HYL_MSG_NONE = 0,
#define HYL_MSG_ENUMERATOR(name, byte, text) HYL_MSG_##name = (byte),
    HYL_BACKEND_MESSAGE_MAP(HYL_MSG_ENUMERATOR)
#undef HYL_MSG_ENUMERATOR
} hyl_msg_type;

/* "DataRow", as PostgreSQL's documentation calls it, or "unknown message". Never NULL. */
HYL_API const char *hyl_msg_name(uint8_t type);

typedef struct hyl_msg_head {
    uint8_t type;
    uint32_t body_len; /* without the type byte and the length word */
} hyl_msg_head;

/*
 * Reads a message's first five bytes. `max_body` is the largest body to admit.
 * Errors: AGAIN (fewer than five bytes), PROTOCOL (a length word below 4 or over the limit, a type
 * byte that no server message has).
 */
HYL_API HYL_NODISCARD hyl_status hyl_msg_peek(hyl_bytes bytes, uint32_t max_body, hyl_msg_head *out,
                                              hyl_error *err);

/* ---- Decoders ------------------------------------------------------------------------------ */

/* The Authentication messages, as numbered on the wire. */
typedef enum hyl_auth_kind {
    HYL_AUTH_OK = 0,
    HYL_AUTH_KERBEROS = 2,
    HYL_AUTH_CLEARTEXT = 3,
    HYL_AUTH_MD5 = 5,
    HYL_AUTH_SCM = 6,
    HYL_AUTH_GSS = 7,
    HYL_AUTH_GSS_CONTINUE = 8,
    HYL_AUTH_SSPI = 9,
    HYL_AUTH_SASL = 10,
    HYL_AUTH_SASL_CONTINUE = 11,
    HYL_AUTH_SASL_FINAL = 12
} hyl_auth_kind;

typedef struct hyl_msg_auth {
    int32_t kind;    /* hyl_auth_kind, or a number that it does not have */
    uint8_t salt[4]; /* MD5 */
    hyl_bytes data;  /* SASL: the mechanisms, each NUL-terminated, and a final NUL; CONTINUE and
                        FINAL: the payload */
} hyl_msg_auth;

/*
 * ErrorResponse and NoticeResponse. Texts that are missing are empty; defaults are the reader's to
 * choose.
 */
typedef struct hyl_msg_diag {
    hyl_str severity; /* V where it is sent, else S; of several the last */
    hyl_str sqlstate; /* five characters */
    hyl_str message;
    hyl_str detail;
    hyl_str hint;
    hyl_str blame;    /* B, Hyper's own: "User" or "System" */
    int32_t position; /* 1-based, in characters; 0 where it is not sent */
} hyl_msg_diag;

/* A column of a RowDescription. Its format field is left out: Hyper always says 0 there. */
typedef struct hyl_msg_column {
    hyl_str name;
    uint32_t table_oid;
    int16_t attribute;
    uint32_t type_oid;
    int16_t type_len;
    int32_t typmod;
    int16_t format;
} hyl_msg_column;

/*
 * A message that was checked to end exactly where it says. Texts and bytes are views of the body.
 */
typedef struct hyl_msg {
    hyl_msg_type type;
    union {
        hyl_msg_auth auth;
        struct {
            int32_t process_id;
            int32_t secret_key;
        } key;
        hyl_str tag;    /* COMMAND_COMPLETE */
        hyl_bytes data; /* COPY_DATA */
        struct {
            uint8_t format;
            uint16_t column_count;
            const uint8_t *formats; /* column_count big-endian int16 */
        } copy;                     /* COPY_IN_RESPONSE, COPY_OUT_RESPONSE */
        struct {
            uint16_t column_count;
            hyl_bytes cells; /* read with hyl_row_iter */
        } row;
        hyl_msg_diag diag; /* ERROR_RESPONSE, NOTICE_RESPONSE */
        struct {
            int32_t process_id;
            hyl_str channel;
            hyl_str payload;
        } notification;
        struct {
            uint16_t count;
            const uint8_t *oids; /* count big-endian uint32 */
        } params;                /* PARAMETER_DESCRIPTION */
        struct {
            hyl_str name;
            hyl_str value;
        } parameter; /* PARAMETER_STATUS */
        char ready;  /* READY_FOR_QUERY: 'I', 'T' or 'E' */
        struct {
            uint16_t column_count;
            hyl_bytes columns; /* read with hyl_coldesc_iter */
        } description;         /* ROW_DESCRIPTION */
    } as;
} hyl_msg;

/*
 * Parses one message's body. Everything in it is checked, the cells of a row and the columns of a
 * description too, so that the iterators cannot fail afterwards. An ErrorResponse is read kindly: a
 * field that is cut or unknown is skipped and logged (error-field-dropped).
 * Errors: PROTOCOL (the body does not end exactly where it should, a count that lies, a value that
 * the message cannot have).
 * Lifetime: views of `body`.
 */
HYL_API HYL_NODISCARD hyl_status hyl_msg_parse(uint8_t type, hyl_bytes body, hyl_msg *out,
                                               hyl_error *err);

/* The cells of a DataRow that hyl_msg_parse has checked. */
typedef struct hyl_row_iter {
    hyl_bytes rest;
    uint16_t left;
} hyl_row_iter;

HYL_API void hyl_row_iter_init(hyl_row_iter *iter, const hyl_msg *row);
/* False after the last cell. A NULL cell has data == NULL; an empty one does not. */
HYL_API bool hyl_row_iter_next(hyl_row_iter *iter, hyl_bytes *cell);

/* The columns of a RowDescription. */
typedef struct hyl_coldesc_iter {
    hyl_bytes rest;
    uint16_t left;
} hyl_coldesc_iter;

HYL_API void hyl_coldesc_iter_init(hyl_coldesc_iter *iter, const hyl_msg *description);
HYL_API bool hyl_coldesc_iter_next(hyl_coldesc_iter *iter, hyl_msg_column *column);

/* The mechanisms that an Authentication SASL message offers. False after the last. */
HYL_API bool hyl_sasl_next(hyl_bytes *rest, hyl_str *mechanism);

/*
 * The rows that a CommandComplete tag counts ("INSERT 0 5", "SELECT 7", "COPY 9"); -1 where it
 * counts none.
 */
HYL_API int64_t hyl_tag_rows(hyl_str tag);

#ifdef __cplusplus
}
#endif

#endif
