/*
 * SASLprep (RFC 4013): the one form that a password has, however it was typed. PostgreSQL keeps a
 * password in that form, and as it is where it has none; so does everybody who logs in.
 */
#ifndef HYL_WIRE_SASLPREP_H
#define HYL_WIRE_SASLPREP_H

#include <hyperline/base.h>

/*
 * Appends the password's form to `out`: mapped, checked, and normalised (NFKC), in PostgreSQL's
 * order. The password as it is where it is no UTF-8, or holds characters that are prohibited or
 * that Unicode 3.2 does not know, or mixes directions of writing against the rule, or nothing of it
 * is left.
 * Errors: NOMEM.
 */
HYL_NODISCARD hyl_status hyl__saslprep(hyl_str password, hyl_buf *out);

/*
 * The form that Hyper (0.0.26963) keeps: mapped, but neither normalised nor checked.
 * Errors: NOMEM.
 */
HYL_NODISCARD hyl_status hyl__saslprep_mapped(hyl_str password, hyl_buf *out);

/* True where the two forms are different bytes. False where there is no memory to tell. */
bool hyl__saslprep_forms_differ(hyl_str password);

#endif
