// Values of fields, row ids and bound columns between a record's text and the service's messages.
#pragma once

#include <string>

#include "cli/record_format.h"
#include "coffer/v1/field.pb.h"
#include "crypto/value.h"

namespace coffer::cli {

// How a plaintext is written in a record.
enum class PlainForm : std::uint8_t { kText, kBase64 };
// How a ciphertext is written; either is read.
enum class CipherForm : std::uint8_t {
  kText,  // coffer:v1:...
  kHex,   // \xc1..., PostgreSQL's text form of bytea
};

// A row id's or bound column's value of the declared type: decimal integers, UUIDs in text form, text, bytes as \x and
// hex. NULL gives an unset message. kInvalidArgument when the value has another form.
Result<v1::Value> ToMessage(const CellValue& cell, ValueType type);

// The bytes to encrypt. kInvalidArgument: no string, or no base64.
Result<std::string> PlaintextOf(const CellValue& cell, PlainForm form);
// What was decrypted, as text. kInvalidArgument: not UTF-8, which kText needs.
Result<std::string> PlaintextToText(const std::string& plaintext, PlainForm form);

// kDecryptFailed when the text is no ciphertext in either form.
Result<std::string> CiphertextOf(const CellValue& cell);
std::string CiphertextToText(const std::string& ciphertext, CipherForm form);

}  // namespace coffer::cli
