// Bytes with the form of field ciphertexts, and what a test makes of them.
#pragma once

#include <string>

#include "crypto/bytes.h"
#include "crypto/field_header.h"

namespace coffer::db {

// Suite 2, bound to row and columns, under this key: the header and `size` bytes in all, the rest of one letter.
inline std::string Ciphertext(std::uint64_t key, char letter = 'x', std::size_t size = 100) {
  std::string bytes(kFieldHeaderSize, 0);
  FieldHeader{FieldForm{Suite::kXaes256GcmCommitting, 0, true, true}.SecondByte(), KeyId{key}}.Write(
      AsMutableBytes(bytes));
  return bytes + std::string(size - bytes.size(), letter);
}

inline std::string HeaderOf(const std::string& ciphertext) { return ciphertext.substr(0, kFieldHeaderSize); }

// As SQL literals.
inline std::string SqliteBlob(const std::string& bytes) { return "X'" + ToHex(AsBytes(bytes)) + "'"; }
inline std::string PostgresBytes(const std::string& bytes) { return "'\\x" + ToHex(AsBytes(bytes)) + "'::bytea"; }

}  // namespace coffer::db
