#include "cli/field_values.h"

#include <algorithm>
#include <charconv>

#include "crypto/base64.h"
#include "crypto/field_header.h"
#include "crypto/names.h"

namespace coffer::cli {
namespace {

constexpr std::string_view kHexPrefix = "\\x";

Result<std::int64_t> ParseInt64(std::string_view text) {
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || stop != text.data() + text.size()) {
    return Error(ErrorCode::kInvalidArgument, "is no 64-bit integer");
  }
  return number;
}

Result<Bytes> ParseHex(std::string_view text) {
  const Error bad(ErrorCode::kInvalidArgument, "is not written as \\x and hex digits, two a byte");
  if (!text.starts_with(kHexPrefix)) return bad;
  auto bytes = FromHex(text.substr(kHexPrefix.size()));
  if (!bytes.ok()) return bad;
  return bytes;
}

Result<void> SetValue(const CellValue& cell, ValueType type, v1::Value& value) {
  if (type == ValueType::kInt64) {
    COFFER_ASSIGN_OR_RETURN(const std::int64_t number, ParseInt64(cell.text));
    value.set_int64(number);
    return {};
  }
  if (cell.kind != CellValue::Kind::kText) return Error(ErrorCode::kInvalidArgument, "is no string");
  if (type == ValueType::kUuid) {
    const auto uuid = Uuid::Parse(cell.text);
    if (!uuid.ok()) return Error(ErrorCode::kInvalidArgument, "is no UUID: 32 hex digits in groups of 8-4-4-4-12");
    value.set_uuid(std::string(AsText(uuid->view())));
  } else if (type == ValueType::kBytes) {
    COFFER_ASSIGN_OR_RETURN(const Bytes bytes, ParseHex(cell.text));
    value.set_bytes(std::string(AsText(bytes)));
  } else {
    if (!IsUtf8(cell.text)) return Error(ErrorCode::kInvalidArgument, "is not UTF-8");
    value.set_text(cell.text);
  }
  return {};
}

}  // namespace

Result<v1::Value> ToMessage(const CellValue& cell, ValueType type) {
  v1::Value value;
  if (cell.kind != CellValue::Kind::kNull) COFFER_TRY(SetValue(cell, type, value));
  return value;
}

Result<std::string> PlaintextOf(const CellValue& cell, PlainForm form) {
  if (cell.kind != CellValue::Kind::kText) return Error(ErrorCode::kInvalidArgument, "is no string");
  if (form == PlainForm::kText) return cell.text;
  COFFER_ASSIGN_OR_RETURN(const Bytes bytes, FromBase64(cell.text));
  return std::string(AsText(bytes));
}

Result<std::string> PlaintextToText(const std::string& plaintext, PlainForm form) {
  if (form == PlainForm::kBase64) return ToBase64(AsBytes(plaintext));
  if (!IsUtf8(plaintext)) return Error(ErrorCode::kInvalidArgument, "is not UTF-8: use --plaintext base64");
  return plaintext;
}

Result<std::string> CiphertextOf(const CellValue& cell) {
  const bool hex = cell.text.starts_with(kHexPrefix);
  const Result<Bytes> bytes = hex ? ParseHex(cell.text) : CiphertextFromText(cell.text);
  if (!bytes.ok() || !IsFieldCiphertext(*bytes)) return Error(ErrorCode::kDecryptFailed, "is no ciphertext");
  return std::string(AsText(*bytes));
}

std::string CiphertextToText(const std::string& ciphertext, CipherForm form) {
  if (form == CipherForm::kText) return coffer::CiphertextToText(AsBytes(ciphertext));
  return std::string(kHexPrefix) + ToHex(AsBytes(ciphertext));
}

}  // namespace coffer::cli
