// Type coffer.ciphertext, and the functions that read the header of a ciphertext or of any bytea.

#include "pgext/server.h"

#include "pgext/ciphertext_form.h"
#include "pgext/hex_text.h"

namespace {

using coffer::pgext::CiphertextForm;
using coffer::pgext::DecodeHexText;
using coffer::pgext::HexTextSize;
using coffer::pgext::kHeaderSize;
using coffer::pgext::ParseForm;

// Never shows the value: neither in the message nor in what else an error carries, the statement in the server's log
// and the context lines, which for COPY hold the whole row. Without a context none is left to be reset: an error ends
// the statement, and whoever catches it puts his own back.
[[noreturn]] void Refuse(int code) {
  error_context_stack = nullptr;
  ereport(ERROR,
          (errcode(code), errmsg("coffer.ciphertext takes only field ciphertexts of Coffer"), errhidestmt(true)));
  pg_unreachable();
}

std::optional<CiphertextForm> FormOfBytes(const void* bytes, std::size_t size) {
  return ParseForm({static_cast<const std::uint8_t*>(bytes), size}, size);
}

// Of a bytea or a coffer.ciphertext. Of one that is stored apart, only the head is fetched.
std::optional<CiphertextForm> FormOfDatum(Datum datum) {
  auto* value = static_cast<struct varlena*>(static_cast<void*>(DatumGetPointer(datum)));
  if (!VARATT_IS_EXTERNAL(value) && !VARATT_IS_COMPRESSED(value)) {
    return FormOfBytes(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
  }
  const std::size_t size = toast_raw_datum_size(datum) - VARHDRSZ;
  struct varlena* head = pg_detoast_datum_slice(value, 0, kHeaderSize);
  return ParseForm({static_cast<const std::uint8_t*>(static_cast<void*>(VARDATA_ANY(head))), VARSIZE_ANY_EXHDR(head)},
                   size);
}

bytea* NewBytes(std::size_t size) {
  auto* value = static_cast<bytea*>(palloc(VARHDRSZ + size));
  SET_VARSIZE(value, VARHDRSZ + size);
  return value;
}

}  // namespace

extern "C" {

PG_FUNCTION_INFO_V1(coffer_ciphertext_in);
PG_FUNCTION_INFO_V1(coffer_ciphertext_out);
PG_FUNCTION_INFO_V1(coffer_ciphertext_recv);
PG_FUNCTION_INFO_V1(coffer_ciphertext_send);
PG_FUNCTION_INFO_V1(coffer_ciphertext_from_bytea);
PG_FUNCTION_INFO_V1(coffer_is_ciphertext);
PG_FUNCTION_INFO_V1(coffer_key_id);
PG_FUNCTION_INFO_V1(coffer_suite);
PG_FUNCTION_INFO_V1(coffer_refuse_plaintext);

Datum coffer_ciphertext_in(PG_FUNCTION_ARGS) {
  const std::string_view hex = PG_GETARG_CSTRING(0);
  const auto size = HexTextSize(hex);
  if (!size) Refuse(ERRCODE_INVALID_TEXT_REPRESENTATION);
  bytea* value = NewBytes(*size);
  auto* bytes = static_cast<std::uint8_t*>(static_cast<void*>(VARDATA(value)));
  if (!DecodeHexText(hex, {bytes, *size}) || !FormOfBytes(bytes, *size)) Refuse(ERRCODE_INVALID_TEXT_REPRESENTATION);
  PG_RETURN_BYTEA_P(value);
}

Datum coffer_ciphertext_out(PG_FUNCTION_ARGS) {
  const bytea* value = PG_GETARG_BYTEA_PP(0);
  const std::size_t size = VARSIZE_ANY_EXHDR(value);
  auto* hex = static_cast<char*>(palloc(2 * size + 3));
  hex[0] = '\\';
  hex[1] = 'x';
  char* end = hex + 2 + hex_encode(VARDATA_ANY(value), size, hex + 2);
  *end = '\0';
  PG_RETURN_CSTRING(hex);
}

Datum coffer_ciphertext_recv(PG_FUNCTION_ARGS) {
  auto* message = static_cast<StringInfo>(static_cast<void*>(PG_GETARG_POINTER(0)));
  const std::size_t size = static_cast<std::size_t>(message->len - message->cursor);
  bytea* value = NewBytes(size);
  pq_copymsgbytes(message, VARDATA(value), static_cast<int>(size));
  if (!FormOfBytes(VARDATA(value), size)) Refuse(ERRCODE_INVALID_BINARY_REPRESENTATION);
  PG_RETURN_BYTEA_P(value);
}

Datum coffer_ciphertext_send(PG_FUNCTION_ARGS) { PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P_COPY(0)); }

// The same bytes, when they have the form.
Datum coffer_ciphertext_from_bytea(PG_FUNCTION_ARGS) {
  if (!FormOfDatum(PG_GETARG_DATUM(0))) Refuse(ERRCODE_INVALID_BINARY_REPRESENTATION);
  PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

Datum coffer_is_ciphertext(PG_FUNCTION_ARGS) { PG_RETURN_BOOL(FormOfDatum(PG_GETARG_DATUM(0)).has_value()); }

Datum coffer_key_id(PG_FUNCTION_ARGS) {
  const auto form = FormOfDatum(PG_GETARG_DATUM(0));
  if (!form) PG_RETURN_NULL();
  PG_RETURN_INT64(static_cast<int64>(form->key_id));
}

Datum coffer_suite(PG_FUNCTION_ARGS) {
  const auto form = FormOfDatum(PG_GETARG_DATUM(0));
  if (!form) PG_RETURN_NULL();
  PG_RETURN_INT32(form->suite);
}

// The second half of the CHECK of coffer.protect(); see Refuse.
Datum coffer_refuse_plaintext(PG_FUNCTION_ARGS) {
  const char* column = PG_ARGISNULL(0) ? "?" : quote_identifier(text_to_cstring(PG_GETARG_TEXT_PP(0)));
  error_context_stack = nullptr;
  ereport(ERROR, (errcode(ERRCODE_CHECK_VIOLATION), errmsg("column %s takes only field ciphertexts of Coffer", column),
                  errhidestmt(true)));
  PG_RETURN_BOOL(false);
}

}  // extern "C"
