// Values as Grafana encrypts them, made by an independent implementation.
#pragma once

#include <optional>
#include <string>

#include "crypto/bytes.h"
#include "crypto/secret_bytes.h"
#include "plugins/grafana/database/row_reader.h"

namespace coffer::grafana::known_answers {

inline constexpr std::string_view kSecretKey = "vault-test-secret-key";
inline constexpr std::string_view kDataKeyId = "dfixture0001";
inline constexpr std::string_view kPlaintext = "pg-password-1";
inline constexpr std::string_view kDataKeyHex = "000102030405060708090a0b0c0d0e0f";
// data_keys.encrypted_data: the data key under secret_key, aes-cfb.
inline constexpr std::string_view kWrappedHex =
    "2a5957567a4c574e6d59672a73616c744141414169766976697669764956495649564956476aa8e571fbdffca4f5d56a029dbeba";
// The plaintext under the data key, aes-cfb, with its id.
inline constexpr std::string_view kEnvelopeHex =
    "235a475a7065485231636d55774d444178232a5957567a4c574e6d59672a73616c7442424242303132333435363738396162636465667375e6"
    "49"
    "ab415842f5a4a57267";
// The plaintext under the data key, aes-gcm, without its id.
inline constexpr std::string_view kGcmHex =
    "2a5957567a4c57646a62512a73616c74434343436e6f6e63652d31326279746517bf3ddb0583739d73737f319e4926d9869011b268558ada07"
    "41cf918c";
// kEnvelopeHex as data_source.secure_json_data has it.
inline constexpr std::string_view kEnvelopeBase64 =
    "I1pHWnBlSFIxY21Vd01EQXgjKllXVnpMV05tWWcqc2FsdEJCQkIwMTIzNDU2Nzg5YWJjZGVmc3XmSatBWEL1pKVyZw==";

inline Bytes Hex(std::string_view hex) { return FromHex(hex).value(); }
inline SecretBytes Secret(std::string_view text) { return SecretBytes::CopyOf(AsBytes(text)); }
inline SecretBytes SecretOf(ByteView bytes) { return SecretBytes::CopyOf(bytes); }
inline std::string Revealed(const SecretBytes& secret) {
  return std::string(AsText(secret.Expose(SecretAccess::kTest)));
}

// A row whose cells are the given ones; it must not outlive them.
template <typename... Cells>
ReadRow RowOf(const Cells&... cells) {
  return ReadRow{0, {std::optional<ByteView>(cells)...}};
}

}  // namespace coffer::grafana::known_answers
