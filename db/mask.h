// Masker: values of a dump replaced by others of the same kind, so that what refers to each other still does.
//
// Equal values get equal masks, within one dump: the key is random, is never written, and is gone with this. So nobody
// computes a value back, or tries values; who knows how often each occurs still sees that. Masks keep what constraints
// look at: kinds of characters and lengths of texts, digits of numbers, the year of dates.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/hash.h"

namespace coffer::db {

class Masker {
 public:
  Masker();  // a random key

  // An e-mail address becomes one of "masked.invalid", where `length_max` (characters; 0: no limit) has room; a UUID a
  // UUID; an ISO date or time one of that year; of all else each letter a letter, each digit a digit. Texts
  // that differ get masks that differ, but for texts with characters outside of ASCII, where that is likely only.
  std::string Text(std::string_view value, std::uint32_t length_max) const;
  // Shows neither form nor length: at most 32 characters, fewer where `length_max` says so.
  std::string Opaque(std::string_view value, std::uint32_t length_max) const;
  // A decimal number with as many digits, of at most `most` where it is whole and was at most that; NaN and infinity as
  // they are. Different whole numbers stay different.
  std::string Number(std::string_view value, std::uint64_t most) const;
  // "2024-05-06[ 07:08:09[.123]][+02][ BC]": the year and the zone stay. What is none becomes "infinity", or
  // "-infinity" where it is that.
  std::string Date(std::string_view value) const;
  std::string Uuid(std::string_view value) const;
  // As many bytes.
  std::string Bytes(ByteView value) const;

 private:
  class Stream;
  Digest Mac(std::string_view purpose, ByteView value, std::string_view more = {}) const;
  std::uint64_t Permute(std::uint64_t value, std::uint64_t size, std::string_view tweak) const;
  std::uint64_t Round(std::uint64_t half, int round, std::string_view tweak) const;
  std::string Characters(std::string_view value) const;

  SecretBytes key_;
};

// A field ciphertext by its form, which nothing decrypts: the last bytes are `number`, so that each is another.
std::string PlaceholderCiphertext(std::uint64_t number);

}  // namespace coffer::db
